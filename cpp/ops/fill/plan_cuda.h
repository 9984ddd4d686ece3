// Memory of a GPU set to one value.
#pragma once
#include <vector>

#include "core/launch.h"
#include "ops/fill/desc.h"

namespace pt::cuda {

// Pieces of one output whose offsets and sizes are whole elements; pattern is the value's bytes, repeated to eight.
std::vector<Launch> fill_pieces(const std::vector<FillPiece>& pieces, uint64_t pattern, int element_bytes);

// The whole of a row-major output.
LaunchPlan plan_fill(const Operand& out, double value);

}  // namespace pt::cuda
