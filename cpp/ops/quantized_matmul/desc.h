#pragma once
#include <stdint.h>

namespace pt {

// c[rows, cols] = a[rows, depth] (codes[depth, cols] * scale[groups, cols]), all row-major; codes of 4 bits lie two to
// a byte, [ceil(depth / 2), cols], that of the even row in its lower half.
struct QuantizedMatmulDesc {
  int64_t rows, cols, depth;
  int64_t group;  // rows that share a scale
  int64_t row_chunk, col_chunk;
  int64_t col_chunks;
  // Where parts of the scratch begin, in floats.
  int64_t panel, sums;
};

// The order of sums of a product (ops/matmul/desc.h).
inline constexpr int64_t kQuantizedBlock = 256, kQuantizedGroup = 16 * kQuantizedBlock;
inline constexpr int64_t kFewQuantizedRows = 4;
inline constexpr int64_t kMostQuantizedTileRows = 14;
inline constexpr int64_t kMostQuantizedPanel = 32;  // columns
inline constexpr int64_t kQuantizedPiece = 512;     // columns whose chains a few rows keep in the first cache

// In the order of PT_KERNELS.
enum QuantizedMatmulVariant : int { kQuantized8, kQuantized4, kQuantizedFew8, kQuantizedFew4 };

}  // namespace pt
