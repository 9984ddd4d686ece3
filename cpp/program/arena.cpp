// The idea. Storages that are alive at the same time do not overlap; the large ones are placed first, since they are
// the hard ones, and small ones fit into the gaps. A whole that is written piece by piece, such as a flat gradient, is
// alive from its first piece on, but each piece only from when it is written. So activations lie where the gradients of
// the layers before them are written once the activations are no longer read.
#include <algorithm>
#include <numeric>
#include <optional>

#include "program/layout.h"

namespace pt {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kWorthAnotherOrder = 32;  // of an arena, a part that is not little

int64_t aligned_up(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
int64_t aligned_down(int64_t bytes) { return bytes / kAlignment * kAlignment; }

int root_of(const Layout& layout, int storage) {
  while (layout.storages[storage].parent >= 0) storage = layout.storages[storage].parent;
  return storage;
}

int64_t offset_in_root(const Layout& layout, int storage) {
  int64_t offset = 0;
  for (; layout.storages[storage].parent >= 0; storage = layout.storages[storage].parent)
    offset += layout.storages[storage].parent_offset;
  return offset;
}

// Bytes that hold something from one launch to another.
struct Part {
  int64_t begin, end;
  int first, last;
  bool meets(int from, int to) const { return first <= to && from <= last; }
};

// A storage of the arena that lies in no other one.
struct Block {
  int storage;
  int64_t bytes;
  int first, last;
  std::vector<Part> parts;  // that are in use: all of it, or its pieces
};

// When launches touch each storage itself, and not what lies in it.
void find_uses(Layout& layout) {
  for (Storage& s : layout.storages) s.first = 1 << 30, s.last = -1;
  for (std::size_t i = 0; i < layout.launches.size(); ++i) {
    for (const PlacedOperand& operand : layout.launches[i].operands) {
      if (operand.storage < 0) continue;
      Storage& s = layout.storages[operand.storage];
      s.first = std::min(s.first, static_cast<int>(i));
      s.last = std::max(s.last, static_cast<int>(i));
    }
  }
}

std::vector<Block> find_blocks(const Layout& layout) {
  std::vector<Block> blocks(layout.storages.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Storage& s = layout.storages[i];
    if (s.home != Home::Arena || s.last < 0) continue;
    const int root = root_of(layout, static_cast<int>(i));
    Block& block = blocks[root];
    if (block.parts.empty()) block = {root, layout.storages[root].bytes, s.first, s.last, {}};
    block.first = std::min(block.first, s.first);
    block.last = std::max(block.last, s.last);
    const int64_t offset = offset_in_root(layout, static_cast<int>(i));
    block.parts.push_back({offset, offset + s.bytes, s.first, s.last});
  }
  std::erase_if(blocks, [](const Block& block) { return block.parts.empty(); });
  for (Block& block : blocks) {
    for (Part& part : block.parts) part.last = block.last;  // who reads the whole reads its pieces
  }
  return blocks;
}

// Where blocks lie.
class Map {
 public:
  int64_t bytes() const { return bytes_; }

  int64_t lowest(const Block& block) const {
    int64_t offset = 0;
    for (const Part& part : by_begin_) {
      if (!part.meets(block.first, block.last)) continue;
      if (offset + block.bytes <= part.begin) break;
      offset = std::max(offset, aligned_up(part.end));
    }
    return offset;
  }

  // The highest offset in what is taken already.
  std::optional<int64_t> highest(const Block& block) const {
    int64_t offset = aligned_down(bytes_ - block.bytes);
    for (const Part& part : by_end_) {
      if (bytes_ < block.bytes || offset < 0) return std::nullopt;
      if (!part.meets(block.first, block.last)) continue;
      if (part.end <= offset) break;
      offset = part.begin < block.bytes ? -1 : std::min(offset, aligned_down(part.begin - block.bytes));
    }
    return bytes_ < block.bytes || offset < 0 ? std::nullopt : std::optional(offset);
  }

  void put(const Block& block, int64_t offset) {
    bytes_ = std::max(bytes_, offset + block.bytes);
    for (Part part : block.parts) {
      part.begin += offset;
      part.end += offset;
      by_begin_.insert(std::upper_bound(by_begin_.begin(), by_begin_.end(), part,
                                        [](const Part& a, const Part& b) { return a.begin < b.begin; }),
                       part);
      by_end_.insert(std::upper_bound(by_end_.begin(), by_end_.end(), part,
                                      [](const Part& a, const Part& b) { return a.end > b.end; }),
                     part);
    }
  }

 private:
  std::vector<Part> by_begin_, by_end_;
  int64_t bytes_ = 0;
};

struct Offsets {
  std::vector<int64_t> of_blocks;
  int64_t bytes;
};

// Layers are laid out from the first to the last, and their gradients written from the last to the first: high up,
// blocks leave room low down for those that are read longer.
Offsets place_all(const std::vector<Block>& blocks, bool high_up) {
  Map map;
  std::vector<int64_t> offsets;
  for (const Block& block : blocks) {
    const std::optional<int64_t> high = high_up ? map.highest(block) : std::nullopt;
    offsets.push_back(high ? *high : map.lowest(block));
    map.put(block, offsets.back());
  }
  return {std::move(offsets), map.bytes()};
}

}  // namespace

void assign_arena(Layout& layout) {
  find_uses(layout);
  std::vector<Block> blocks = find_blocks(layout);
  std::stable_sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) { return a.bytes > b.bytes; });
  Offsets found = place_all(blocks, false);
  if (std::any_of(blocks.begin(), blocks.end(), [](const Block& block) { return block.parts.size() > 1; })) {
    Offsets other = place_all(blocks, true);
    if (other.bytes < found.bytes - found.bytes / kWorthAnotherOrder) found = std::move(other);
  }
  layout.arena_bytes = found.bytes;
  for (std::size_t b = 0; b < blocks.size(); ++b) layout.storages[blocks[b].storage].arena_offset = found.of_blocks[b];
  for (std::size_t i = 0; i < layout.storages.size(); ++i) {
    Storage& s = layout.storages[i];
    if (s.home != Home::Arena || s.parent < 0) continue;
    const int root = root_of(layout, static_cast<int>(i));
    s.arena_offset = layout.storages[root].arena_offset + offset_in_root(layout, static_cast<int>(i));
  }
}

}  // namespace pt
