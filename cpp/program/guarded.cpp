#include "program/guarded.h"

#include <map>
#include <set>

namespace pt {
namespace {

constexpr int64_t kLeastBytes = 2 << 20;  // less is in a cache when the guard looks at it

// Where the pieces lie whose makers look at them: begin and end, in bytes.
std::map<int64_t, int64_t> let_makers_look(Layout& layout, int phase, int flat) {
  std::map<int64_t, int64_t> looked_at;
  std::set<int> touched_later;
  for (int l = static_cast<int>(layout.launches.size()) - 1; l >= layout.phases[phase].begin; --l) {
    PlannedLaunch& planned = layout.launches[l];
    const FiniteCheck& check = planned.launch.finite;
    if (check.flag >= 0 && check.bytes >= kLeastBytes) {
      const PlacedOperand& result = planned.operands[check.operand];
      const Storage& piece = layout.storages[result.storage];
      const bool whole = piece.parent == flat && piece.bytes == check.bytes && result.byte_offset == 0;
      if (whole && !touched_later.count(result.storage)) {
        planned.launch.desc = planned.launch.desc.with_flag(static_cast<std::size_t>(check.flag));
        looked_at[piece.parent_offset] = piece.parent_offset + piece.bytes;
      }
    }
    for (const PlacedOperand& operand : planned.operands) touched_later.insert(operand.storage);
  }
  return looked_at;
}

}  // namespace

std::vector<GuardedPiece> pieces_to_guard(Layout& layout, int phase, const Operand& whole, const PlacedOperand& at,
                                          bool joined) {
  if (!joined || at.byte_offset != 0) return {{whole, at}};
  const auto size = static_cast<int64_t>(size_of(whole.dtype));
  std::vector<GuardedPiece> pieces;
  int64_t begin = 0;
  const auto look_until = [&](int64_t end) {
    if (end > begin) pieces.push_back({{whole.dtype, {(end - begin) / size}, {1}}, {at.storage, begin}});
  };
  for (const auto& [from, to] : let_makers_look(layout, phase, at.storage)) {
    look_until(from);
    begin = to;
  }
  look_until(count(whole.shape) * size);
  return pieces;
}

}  // namespace pt
