// What a guard still has to look at.
#pragma once
#include <vector>

#include "program/layout.h"

namespace pt {

struct GuardedPiece {
  Operand operand;
  PlacedOperand at;
};

// All of the operand; but of a flat gradient, which joins pieces that lie in its storage, not the large ones that the
// launches which make them can look at while they are in a cache: these are told to.
std::vector<GuardedPiece> pieces_to_guard(Layout& layout, int phase, const Operand& whole, const PlacedOperand& at,
                                          bool joined);

}  // namespace pt
