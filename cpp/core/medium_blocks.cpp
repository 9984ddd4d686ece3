#include "core/medium_blocks.h"

#include <cstdlib>
#include <iterator>

namespace pt {
namespace {

constexpr std::size_t kLine = 64;

// A line more than is asked for: blocks of a power of two, one behind the other, would begin at places that a first
// cache takes for the same one.
std::size_t size_of(std::size_t bytes) { return (bytes + kLine - 1) / kLine * kLine + kLine; }

}  // namespace

char* MediumBlocks::take(std::size_t bytes, char* (*allocate)(std::size_t bytes)) {
  const std::size_t size = size_of(bytes);
  auto fits = by_size_.lower_bound({size, nullptr});
  if (fits == by_size_.end()) {
    char* const region = allocate(kRegion);
    if (!region) return nullptr;
    regions_.insert(region), ++empty_;
    add(region, kRegion);
    fits = by_size_.lower_bound({size, nullptr});
  }
  const auto [range, at] = *fits;
  if (range == kRegion) --empty_;
  remove(free_.find(at));
  if (range > size) add(at + size, range - size);
  return at;
}

void MediumBlocks::give_back(char* block, std::size_t bytes) {
  char* at = block;
  std::size_t size = size_of(bytes);
  const auto region = std::prev(regions_.upper_bound(block));
  const auto behind = free_.lower_bound(block);
  if (behind != free_.begin()) {
    const auto before = std::prev(behind);
    if (before->first >= *region && before->first + before->second == at) {
      at = before->first, size += before->second;
      remove(before);
    }
  }
  if (behind != free_.end() && behind->first == block + size_of(bytes) && behind->first < *region + kRegion) {
    size += behind->second;
    remove(behind);
  }
  if (size < kRegion) return add(at, size);
  if (empty_ > 0) {
    std::free(*region);
    regions_.erase(region);
    return;
  }
  ++empty_;
  add(at, size);
}

void MediumBlocks::add(char* at, std::size_t size) {
  free_.emplace(at, size);
  by_size_.emplace(size, at);
}

void MediumBlocks::remove(std::map<char*, std::size_t>::iterator range) {
  by_size_.erase({range->second, range->first});
  free_.erase(range);
}

}  // namespace pt
