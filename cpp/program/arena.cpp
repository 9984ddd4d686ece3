#include <algorithm>
#include <numeric>

#include "program/layout.h"

namespace pt {
namespace {

constexpr int64_t kAlignment = 64;

int root_of(const Layout& layout, int storage) {
  while (layout.storages[storage].parent >= 0) storage = layout.storages[storage].parent;
  return storage;
}

}  // namespace

void assign_arena(Layout& layout) {
  for (Storage& s : layout.storages) s.first = 1 << 30, s.last = -1;
  for (std::size_t i = 0; i < layout.launches.size(); ++i) {
    for (const PlacedOperand& operand : layout.launches[i].operands) {
      if (operand.storage < 0) continue;
      Storage& s = layout.storages[root_of(layout, operand.storage)];
      s.first = std::min(s.first, static_cast<int>(i));
      s.last = std::max(s.last, static_cast<int>(i));
    }
  }
  std::vector<int> order;
  for (std::size_t i = 0; i < layout.storages.size(); ++i) {
    const Storage& s = layout.storages[i];
    if (s.home == Home::Arena && s.parent < 0 && s.last >= 0) order.push_back(static_cast<int>(i));
  }
  // Large ones first: they are the hard ones to place, and small ones fit into the gaps.
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return layout.storages[a].bytes > layout.storages[b].bytes; });
  std::vector<int> placed;  // by offset
  for (int i : order) {
    Storage& s = layout.storages[i];
    int64_t offset = 0;
    for (int j : placed) {
      const Storage& other = layout.storages[j];
      if (other.last < s.first || s.last < other.first) continue;
      if (offset + s.bytes <= other.arena_offset) break;
      const int64_t end = (other.arena_offset + other.bytes + kAlignment - 1) / kAlignment * kAlignment;
      offset = std::max(offset, end);
    }
    s.arena_offset = offset;
    layout.arena_bytes = std::max(layout.arena_bytes, offset + s.bytes);
    placed.insert(std::upper_bound(
                      placed.begin(), placed.end(), i,
                      [&](int a, int b) { return layout.storages[a].arena_offset < layout.storages[b].arena_offset; }),
                  i);
  }
  for (std::size_t i = 0; i < layout.storages.size(); ++i) {
    Storage& s = layout.storages[i];
    int64_t offset = 0;
    int at = static_cast<int>(i);
    while (layout.storages[at].parent >= 0) {
      offset += layout.storages[at].parent_offset;
      at = layout.storages[at].parent;
    }
    if (s.parent >= 0 && layout.storages[at].home == Home::Arena)
      s.arena_offset = layout.storages[at].arena_offset + offset;
  }
}

}  // namespace pt
