// Memory set to one value: what surrounds a padded or packed tensor.
#pragma once
#include <vector>

#include "core/launch.h"
#include "ops/fill/desc.h"

namespace pt {

// Pieces of one output whose offsets and sizes are whole elements; pattern is the value's bytes, repeated to eight.
Launch fill_pieces(const std::vector<FillPiece>& pieces, uint64_t pattern);

// The whole of a row-major output.
LaunchPlan plan_fill(const Operand& out, double value);

}  // namespace pt
