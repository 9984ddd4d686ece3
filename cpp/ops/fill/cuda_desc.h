#pragma once
#include "ops/fill/desc.h"

namespace pt::cuda {

constexpr int kFillPieces = 192;  // of one launch

// Row y of the grid fills piece y.
struct FillPieces {
  uint64_t pattern;  // the value's bytes, repeated to eight
  int32_t grain;     // bytes of an element, at most 8: pieces begin and end at multiples of it
  FillPiece piece[kFillPieces];
};
static_assert(sizeof(FillPieces) <= 3500);

}  // namespace pt::cuda
