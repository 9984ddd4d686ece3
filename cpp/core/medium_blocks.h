// Blocks that are too small for huge pages of their own: parts of regions that have such pages. A step that reads many
// weights of a megabyte would else find each in some hundreds of small pages.
#pragma once
#include <cstddef>
#include <map>
#include <set>
#include <utility>

namespace pt {

// Whoever calls holds a lock. What is returned joins its free neighbours; a region of which nothing is in use goes back
// to malloc, but for one.
class MediumBlocks {
 public:
  static constexpr std::size_t kLeast = std::size_t{128} << 10;  // smaller ones stay malloc's

  // 64-byte aligned, not initialised; null if there is no memory. `allocate` gives whole regions on huge pages.
  char* take(std::size_t bytes, char* (*allocate)(std::size_t bytes));
  void give_back(char* block, std::size_t bytes);
  std::size_t region_bytes() const { return regions_.size() * kRegion; }

 private:
  static constexpr std::size_t kRegion = std::size_t{8} << 20;

  void add(char* at, std::size_t size);
  void remove(std::map<char*, std::size_t>::iterator range);

  std::map<char*, std::size_t> free_;  // ranges by place: of a region two neighbours are one
  std::set<std::pair<std::size_t, char*>> by_size_;
  std::set<char*> regions_;
  std::size_t empty_ = 0;  // regions
};

}  // namespace pt
