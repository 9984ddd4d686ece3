// Parts of regions: none overlap, free neighbours join, and empty regions go.
#include "core/medium_blocks.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "core/block_cache.h"
#include "tests/check.h"

namespace {

constexpr std::size_t kKiB = 1024, kRegion = 8192 * kKiB;

char* region(std::size_t bytes) {
  void* data = nullptr;
  return posix_memalign(&data, std::size_t{2} << 20, bytes) == 0 ? static_cast<char*>(data) : nullptr;
}

struct Held {
  char* at;
  std::size_t bytes;
  char mark;
};

bool whole(const Held& block) {
  for (std::size_t i = 0; i < block.bytes; i += 61)
    if (block.at[i] != block.mark) return false;
  return block.at[block.bytes - 1] == block.mark;
}

void test_any_order() {
  pt::MediumBlocks blocks;
  std::mt19937 random(7);
  std::vector<Held> held;
  std::size_t bytes = 0, most = 0;
  for (int turn = 0; turn < 4000; ++turn) {
    const bool takes = held.empty() || (random() % 5 != 0 && held.size() < 60) || turn % 500 == 1;
    if (takes) {
      const std::size_t size = 128 * kKiB + random() % (1400 * kKiB);
      Held block = {blocks.take(size, region), size, static_cast<char>(turn)};
      CHECK(block.at != nullptr && reinterpret_cast<std::uintptr_t>(block.at) % 64 == 0);
      std::memset(block.at, block.mark, size);
      held.push_back(block), bytes += size, most = std::max(most, bytes);
    } else {
      const std::size_t at = random() % held.size();
      CHECK(whole(held[at]));
      blocks.give_back(held[at].at, held[at].bytes);
      bytes -= held[at].bytes;
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  CHECK(blocks.region_bytes() <= 2 * most + kRegion);
  for (const Held& block : held) {
    CHECK(whole(block));
    blocks.give_back(block.at, block.bytes);
  }
  CHECK_EQ(blocks.region_bytes(), kRegion);  // one is kept
  char* const most_of_it = blocks.take(kRegion - 64, region);
  CHECK_EQ(blocks.region_bytes(), kRegion);  // all parts have joined
  blocks.give_back(most_of_it, kRegion - 64);
}

void test_the_same_place_again() {
  pt::MediumBlocks blocks;
  char* const other = blocks.take(200 * kKiB, region);
  char* const first = blocks.take(300 * kKiB, region);
  blocks.give_back(first, 300 * kKiB);
  CHECK(blocks.take(300 * kKiB, region) == first);  // caches may still hold it
  CHECK((first - other) % 4096 != 0);
}

void test_no_memory() {
  pt::MediumBlocks blocks;
  CHECK(blocks.take(kRegion / 2, [](std::size_t) -> char* { return nullptr; }) == nullptr);
  CHECK_EQ(blocks.region_bytes(), std::size_t{0});
}

}  // namespace

int main() {
  test_any_order();
  test_the_same_place_again();
  test_no_memory();
  return pt::check::finish();
}
