#include "core/buffer.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/error.h"

namespace pt {
namespace {

std::atomic<int64_t> allocation_count{0};
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

// Whole huge pages, unless that would waste more than a quarter.
bool worth_huge_pages(std::size_t bytes) { return round_up(bytes, kHugePage) - bytes <= bytes / 4; }

}  // namespace

std::shared_ptr<Buffer> Buffer::allocate(std::size_t bytes) {
  const std::size_t alignment = bytes > 0 && worth_huge_pages(bytes) ? kHugePage : 64;
  const std::size_t rounded = round_up(bytes, alignment);
  void* data = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (data == nullptr) {
    throw Error(
        text("[memory] asked for ", bytes, " bytes; the system has not that much free; use a smaller batch or model"));
  }
#ifdef MADV_HUGEPAGE
  if (alignment == kHugePage) madvise(data, rounded, MADV_HUGEPAGE);
#endif
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  return std::shared_ptr<Buffer>(new Buffer(static_cast<char*>(data), bytes, nullptr));
}

std::shared_ptr<Buffer> Buffer::borrow(void* data, std::size_t bytes, std::function<void()> release) {
  return std::shared_ptr<Buffer>(new Buffer(static_cast<char*>(data), bytes, std::move(release)));
}

Buffer::~Buffer() {
  if (release_) {
    release_();
  } else {
    std::free(data_);
  }
}

int64_t Buffer::allocations() { return allocation_count.load(std::memory_order_relaxed); }

}  // namespace pt
