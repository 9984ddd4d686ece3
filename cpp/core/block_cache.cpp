#include "core/block_cache.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <unordered_set>

#include "core/medium_blocks.h"

namespace pt {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Blocks up to here come in a few sizes. Larger ones are used again for one of their own size alone, such as weights
// that a step writes anew while a checkpoint of the old ones is written.
constexpr std::size_t kFewSizes = std::size_t{128} << 20;
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeeps = false;  // the sanitizer must see what is freed
#else
constexpr bool kKeeps = true;
#endif
// So much is kept, and more while more than this is in use.
constexpr std::size_t kAlwaysKept = std::size_t{512} << 20;

std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

// Whole huge pages, unless that would waste more than a quarter.
bool worth_huge_pages(std::size_t bytes) { return bytes > 0 && round_up(bytes, kHugePage) - bytes <= bytes / 4; }

bool is_counted(std::size_t bytes) { return bytes >= kHugePage || worth_huge_pages(bytes); }

// Smaller ones malloc keeps by itself.
bool is_medium(std::size_t bytes) { return kKeeps && bytes >= MediumBlocks::kLeast && !is_counted(bytes); }

// What is taken for a block: of those that are kept, most have one of a few sizes, at most an eighth apart.
std::size_t size_of_block(std::size_t bytes) {
  const bool few = is_counted(bytes) && bytes <= kFewSizes;
  const std::size_t size = round_up(std::max<std::size_t>(bytes, 1), few ? std::bit_floor(bytes) / 8 : 64);
  return worth_huge_pages(size) ? round_up(size, kHugePage) : size;
}

// Aligned memory takes malloc several times as long as other memory, and longer than many a small op. So each thread
// keeps some small blocks that it let go of, in lists by size; the first bytes of a block hold the next one's address.
class SmallBlocks {
 public:
  static bool holds(std::size_t bytes) { return bytes <= kMostBytes; }

  char* take(std::size_t bytes) {
    List& list = lists_[list_of(bytes)];
    char* const block = list.first;
    if (!block) return nullptr;
    std::memcpy(&list.first, block, sizeof(block));
    --list.size;
    return block;
  }
  bool keep(char* block, std::size_t bytes) {
    List& list = lists_[list_of(bytes)];
    if (list.size >= kMostOfASize || ended_) return false;
    if (!ends_) ends_ = &at_end();
    std::memcpy(block, &list.first, sizeof(block));
    list.first = block;
    ++list.size;
    return true;
  }
  static SmallBlocks& of_thread() {
    thread_local constinit SmallBlocks blocks;  // without a destructor: buffers may be freed after all of them have run
    return blocks;
  }

 private:
  static constexpr std::size_t kUnit = 64, kMostBytes = 1024;
#if defined(__SANITIZE_ADDRESS__)
  static constexpr int kMostOfASize = 0;
#else
  static constexpr int kMostOfASize = 16;
#endif
  struct List {
    char* first = nullptr;
    int size = 0;
  };
  struct AtEnd {
    ~AtEnd() { of_thread().free_all(); }
  };
  static std::size_t list_of(std::size_t bytes) { return bytes == 0 ? 0 : (bytes - 1) / kUnit; }
  static AtEnd& at_end() {
    thread_local AtEnd end;
    return end;
  }
  void free_all() {
    ended_ = true;
    for (List& list : lists_) {
      while (char* block = list.first) {
        std::memcpy(&list.first, block, sizeof(block));
        std::free(block);
      }
      list.size = 0;
    }
  }

  std::array<List, kMostBytes / kUnit> lists_;
  AtEnd* ends_ = nullptr;
  bool ended_ = false;
};

char* allocate(std::size_t bytes) {
  const std::size_t size = size_of_block(bytes);
  if (size < bytes) return nullptr;  // more than there are addresses
  void* data = nullptr;
  if (posix_memalign(&data, is_counted(bytes) ? kHugePage : 64, size) != 0) return nullptr;
  return static_cast<char*>(data);
}

// Blocks in use and kept ones are never more bytes together than were in use at once before: what a process holds does
// not grow by what is kept.
class BlockCache {
 public:
  // Never destroyed: buffers may be freed while the process ends.
  static BlockCache& instance() {
    static BlockCache& cache = *new BlockCache;
    return cache;
  }

  char* take(std::size_t bytes) {
    const std::size_t size = size_of_block(bytes);
    const std::lock_guard lock(busy_);
    char* block = take_kept(size);
    if (!block) {
      shrink(most_used_ - std::min(most_used_, used_ + size));
      block = allocate_huge(bytes, size);
    }
    if (!block) {
      shrink(0);
      block = allocate_huge(bytes, size);
    }
    if (!block) return nullptr;
    used_ += size;
    most_used_ = std::max(most_used_, used_);
    return block;
  }

  void give_back(char* block, std::size_t bytes) {
    const std::size_t size = size_of_block(bytes);
    const std::lock_guard lock(busy_);
    used_ -= size;
    kept_[size].push_back({block, ++clock_});
    kept_bytes_ += size;
    shrink(kKeeps ? std::min(most_used_ - used_, std::max(used_, kAlwaysKept)) : 0);
  }

  std::size_t kept_bytes() {
    const std::lock_guard lock(busy_);
    return kept_bytes_;
  }

  char* take_medium(std::size_t bytes) {
    const std::lock_guard lock(busy_);
    return medium_.take(bytes, [](std::size_t region) { return instance().allocate_huge(region, region); });
  }

  void give_back_medium(char* block, std::size_t bytes) {
    const std::lock_guard lock(busy_);
    medium_.give_back(block, bytes);
  }

 private:
  struct Kept {
    char* block;
    uint64_t since;
  };

  BlockCache() {
    // glibc keeps blocks up to the largest that was ever freed (at most 32 MiB), and gives others back to the system
    // each time. The large ones, from which it would learn that, stay here.
    void* volatile lesson = std::malloc(std::size_t{31} << 20);
    std::free(lesson);
    pthread_atfork([] { instance().busy_.lock(); }, [] { instance().busy_.unlock(); },
                   [] { instance().busy_.unlock(); });
  }

  // Memory that malloc lends anew has small pages from before, and would keep them whatever is asked. So they are given
  // back, once for each place: from then on faults there bring huge ones.
  char* allocate_huge(std::size_t bytes, [[maybe_unused]] std::size_t size) {
    char* const block = allocate(bytes);
#ifdef MADV_HUGEPAGE
    if (!block) return nullptr;
    madvise(block, size, MADV_HUGEPAGE);
    for (char* page = block; page + kHugePage <= block + size; page += kHugePage)
      if (huge_.insert(page).second) madvise(page, kHugePage, MADV_DONTNEED);
#endif
    return block;
  }

  // The one that was used last, which caches may still hold.
  char* take_kept(std::size_t size) {
    const auto same = kept_.find(size);
    if (same == kept_.end()) return nullptr;
    char* block = same->second.back().block;
    forget(same, [](std::deque<Kept>& blocks) { blocks.pop_back(); });
    return block;
  }

  // Frees what has been kept longest.
  void shrink(std::size_t bytes) {
    while (kept_bytes_ > bytes) {
      const auto oldest = std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) {
        return a.second.front().since < b.second.front().since;
      });
      std::free(oldest->second.front().block);
      forget(oldest, [](std::deque<Kept>& blocks) { blocks.pop_front(); });
    }
  }

  using BySize = std::map<std::size_t, std::deque<Kept>>;  // none is empty
  template <class Pop>
  void forget(BySize::iterator same, Pop pop) {
    kept_bytes_ -= same->first;
    pop(same->second);
    if (same->second.empty()) kept_.erase(same);
  }

  std::mutex busy_;
  MediumBlocks medium_;
  BySize kept_;
  std::unordered_set<char*> huge_;  // places for which huge pages were ever asked
  std::size_t used_ = 0, most_used_ = 0, kept_bytes_ = 0;
  uint64_t clock_ = 0;
};

}  // namespace

char* take_block(std::size_t bytes) {
  if (SmallBlocks::holds(bytes)) {
    if (char* block = SmallBlocks::of_thread().take(bytes)) return block;
  }
  if (is_medium(bytes)) return BlockCache::instance().take_medium(bytes);
  return is_counted(bytes) ? BlockCache::instance().take(bytes) : allocate(bytes);
}

void return_block(char* block, std::size_t bytes) {
  if (SmallBlocks::holds(bytes) && SmallBlocks::of_thread().keep(block, bytes)) return;
  if (is_medium(bytes)) return BlockCache::instance().give_back_medium(block, bytes);
  is_counted(bytes) ? BlockCache::instance().give_back(block, bytes) : std::free(block);
}

std::size_t kept_block_bytes() { return BlockCache::instance().kept_bytes(); }

}  // namespace pt
