#pragma once
#include <stdint.h>

namespace pt {

// c[rows, cols] = a[rows, depth] b[depth, cols], all row-major. A chunk computes a block of c; along the depth it packs
// so much of both operands at a time.
struct MatmulIntegerDesc {
  int64_t rows, cols, depth;
  int64_t row_chunk, col_chunk, depth_chunk;  // the last a multiple of kMostStep
  int64_t col_chunks;
  int64_t panels;  // where in the scratch the packed block of b begins, in bytes
  bool left_signed;
};

inline constexpr int64_t kMostStep = 4;         // steps of the depth that one instruction takes
inline constexpr int64_t kMostTileRows = 14;    // of the tiles of any instruction set
inline constexpr int64_t kMostPanelWidth = 32;  // columns, likewise
inline constexpr int64_t kMostPackedBytes = 2;  // that a number takes when it is packed

// In the order of PT_KERNELS.
enum MatmulIntegerVariant : int { kIntegerPairs, kIntegerQuads, kIntegerQuadsSigned };

}  // namespace pt
