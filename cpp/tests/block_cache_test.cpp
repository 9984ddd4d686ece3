// Memory for buffers: reused by size, never more of it than was once in use, from any thread and after a fork.
#include "core/block_cache.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/check.h"

// A sanitizer would stop at a request that no system can meet, and a thread of a child of a process with threads.
#ifdef __SANITIZE_THREAD__
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_options() {
  return "die_after_fork=0:allocator_may_return_null=1";
}
#endif
#ifdef __SANITIZE_ADDRESS__
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
#endif

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeeps = false;
#else
constexpr bool kKeeps = true;
#endif

void test_reuse() {
  char* first = pt::take_block(6 * kMiB);
  CHECK_EQ(reinterpret_cast<uintptr_t>(first) % 64, std::uintptr_t{0});
  std::memset(first, 1, 6 * kMiB);
  pt::return_block(first, 6 * kMiB);
  if (!kKeeps) return;
  CHECK_EQ(pt::kept_block_bytes(), 6 * kMiB);
  char* second = pt::take_block(6 * kMiB - 1000);  // the same size of block
  CHECK(second == first);
  CHECK_EQ(pt::kept_block_bytes(), std::size_t{0});
  pt::return_block(second, 6 * kMiB - 1000);
}

void test_no_more_than_was_in_use() {
  std::vector<char*> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(pt::take_block(4 * kMiB));  // 32 MiB at once
  for (char* block : blocks) pt::return_block(block, 4 * kMiB);
  if (!kKeeps) return;
  CHECK_EQ(pt::kept_block_bytes(), 32 * kMiB);  // the 6 MiB of before are the oldest
  char* other = pt::take_block(20 * kMiB);
  CHECK_EQ(pt::kept_block_bytes(), 12 * kMiB);
  char* more = pt::take_block(40 * kMiB);
  CHECK_EQ(pt::kept_block_bytes(), std::size_t{0});
  pt::return_block(other, 20 * kMiB);
  pt::return_block(more, 40 * kMiB);
  CHECK_EQ(pt::kept_block_bytes(), 60 * kMiB);
}

// A thread takes what it let go of, and lets go of the rest when it ends; another thread's blocks are as good.
void test_small_ones_of_a_thread() {
  char* first = pt::take_block(40);
  char* other = pt::take_block(64);
  CHECK_EQ(reinterpret_cast<uintptr_t>(first) % 64, std::uintptr_t{0});
  pt::return_block(first, 40);
  if (kKeeps) {
    char* again = pt::take_block(1);  // the same size of block
    CHECK(again == first);
    pt::return_block(again, 1);
  }
  std::thread([other] {
    pt::return_block(other, 64);
    std::vector<char*> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(pt::take_block(static_cast<std::size_t>(i) * 11));
    for (std::size_t i = 1; i < 100; ++i) std::memset(blocks[i], 1, i * 11);
    for (std::size_t i = 0; i < 100; ++i) pt::return_block(blocks[i], i * 11);
  }).join();
}

void test_small_ones_are_not_counted() {
  const std::size_t before = pt::kept_block_bytes();
  for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{65}, kMiB}) {
    char* block = pt::take_block(bytes);
    CHECK(block != nullptr);
    if (bytes) block[bytes - 1] = 1;
    pt::return_block(block, bytes);
    CHECK_EQ(pt::kept_block_bytes(), before);
  }
}

void test_at_most_half_a_gigabyte_is_kept_of_what_little_uses() {
  std::vector<char*> blocks;
  for (int i = 0; i < 6; ++i) blocks.push_back(pt::take_block(128 * kMiB));
  for (char* block : blocks) pt::return_block(block, 128 * kMiB);
  CHECK_EQ(pt::kept_block_bytes(), kKeeps ? 512 * kMiB : 0);
  char* large = pt::take_block(600 * kMiB);  // of 768 that were in use at once
  CHECK(pt::kept_block_bytes() <= 168 * kMiB);
  pt::return_block(large, 600 * kMiB);
  CHECK_EQ(pt::kept_block_bytes(), std::size_t{0});  // more than half a gigabyte by itself
}

// What is in use is held twice for a while, again and again: the second memory is the same each time, and goes with the
// first.
void test_large_ones_are_used_again_while_as_much_is_in_use() {
  char* first = pt::take_block(300 * kMiB);
  char* other = pt::take_block(400 * kMiB);
  char* second = pt::take_block(300 * kMiB);
  pt::return_block(first, 300 * kMiB);
  if (kKeeps) {
    CHECK_EQ(pt::kept_block_bytes(), 300 * kMiB);
    char* third = pt::take_block(300 * kMiB - 5);
    CHECK(third == first);
    pt::return_block(second, 300 * kMiB);
    second = third;
  }
  pt::return_block(other, 400 * kMiB);
  pt::return_block(second, 300 * kMiB);
  CHECK(pt::kept_block_bytes() <= 512 * kMiB);
}

// Each thread writes its own mark into all that it holds, and finds it there.
void hold(int mark, std::atomic<int>* wrong) {
  uint32_t random = static_cast<uint32_t>(mark);
  std::vector<std::pair<char*, std::size_t>> held;
  for (int round = 0; round < 400; ++round) {
    random = random * 1664525u + 1013904223u;
    const std::size_t bytes = (1 + (random >> 24) % 12) * kMiB;
    char* block = pt::take_block(bytes);
    block[0] = block[bytes / 2] = block[bytes - 1] = static_cast<char>(mark);
    held.push_back({block, bytes});
    if (held.size() < 4) continue;
    const auto [old, size] = held[random % 4];
    held.erase(held.begin() + random % 4);
    *wrong += old[0] != mark || old[size / 2] != mark || old[size - 1] != mark;
    pt::return_block(old, size);
  }
  for (const auto& [block, bytes] : held) pt::return_block(block, bytes);
}

// How much of [begin, end) lies in huge pages, as the system tells it for whole mappings.
std::size_t huge_bytes(const char* begin, const char* end) {
  std::ifstream maps("/proc/self/smaps");
  std::size_t found = 0;
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long from, to, kib;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &from, &to) == 2) {
      inside = from < reinterpret_cast<std::uintptr_t>(end) && to > reinterpret_cast<std::uintptr_t>(begin);
    } else if (inside && std::sscanf(line.c_str(), "AnonHugePages: %llu", &kib) == 1) {
      found += kib << 10;
    }
  }
  return found;
}

#ifdef MADV_HUGEPAGE
bool has_huge_pages() {
  constexpr std::size_t kBytes = 26 * kMiB;
  void* const fresh = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(fresh != MAP_FAILED);
  madvise(fresh, kBytes, MADV_HUGEPAGE);
  std::memset(fresh, 1, kBytes);
  const std::size_t found = huge_bytes(static_cast<char*>(fresh), static_cast<char*>(fresh) + kBytes);
  munmap(fresh, kBytes);
  return found >= 3 * kBytes / 4;
}
#endif

// Where malloc has used the memory before, in small pages.
void test_huge_pages() {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t kBytes = 26 * kMiB;  // no other test has blocks of that size
  const bool has_huge = has_huge_pages();
  std::vector<void*> small;
  for (int i = 0; i < 1000; ++i) {
    small.push_back(std::malloc(64 << 10));
    std::memset(small.back(), 1, 64 << 10);
  }
  void* const above = std::malloc(64);  // so that the heap keeps them
  for (void* one : small) std::free(one);
  char* block = pt::take_block(kBytes);
  std::memset(block, 2, kBytes);
  if (has_huge && kKeeps) CHECK(huge_bytes(block, block + kBytes) >= kBytes);
  pt::return_block(block, kBytes);
  std::free(above);
#endif
}

// Many blocks that are too small for huge pages of their own have them together.
void test_huge_pages_of_medium_blocks() {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t kBytes = 1300 << 10;
  std::vector<char*> blocks;
  for (int i = 0; i < 40; ++i) {
    blocks.push_back(pt::take_block(kBytes));
    std::memset(blocks.back(), 3, kBytes);
  }
  int huge = 0;
  for (const char* block : blocks) huge += huge_bytes(block, block + kBytes) >= kBytes;
  if (has_huge_pages() && kKeeps) CHECK(huge >= 36);
  for (char* block : blocks) pt::return_block(block, kBytes);
#endif
}

void test_threads_and_fork() {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int mark = 1; mark <= 3; ++mark) threads.emplace_back(hold, mark, &wrong);
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();  // while others hold the lock
    if (child == 0) {
      std::atomic<int> found{0};
      hold(7, &found);
      std::_Exit(found.load() ? 1 : 0);
    }
    int result = -1;
    CHECK_EQ(waitpid(child, &result, 0), child);
    CHECK(WIFEXITED(result) && WEXITSTATUS(result) == 0);
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(wrong.load(), 0);
}

void test_no_memory() {
  for (std::size_t bytes : {SIZE_MAX / 4, SIZE_MAX - 1, SIZE_MAX}) CHECK(pt::take_block(bytes) == nullptr);
  char* block = pt::take_block(3 * kMiB);
  CHECK(block != nullptr);
  pt::return_block(block, 3 * kMiB);
}

}  // namespace

int main() {
  test_reuse();
  test_no_more_than_was_in_use();
  test_small_ones_of_a_thread();
  test_small_ones_are_not_counted();
  test_at_most_half_a_gigabyte_is_kept_of_what_little_uses();
  test_large_ones_are_used_again_while_as_much_is_in_use();
  test_huge_pages();
  test_huge_pages_of_medium_blocks();
  test_threads_and_fork();
  test_no_memory();
  return pt::check::finish();
}
