// What the CUDA plan of a product tells its kernels. A block computes one tile of C, for a part of K where the product
// is split.
#pragma once
#include <stdint.h>

#include "core/dtype.h"

namespace pt::cuda {

constexpr int kMostBatchAxes = 6;

struct TileProduct {
  int64_t rows, cols, depth;
  int64_t left_row, left_k, right_k, right_col, out_row, out_col;  // element strides
  int64_t batches;
  int64_t batch_extent[kMostBatchAxes], left_batch[kMostBatchAxes], right_batch[kMostBatchAxes],
      out_batch[kMostBatchAxes];
  int32_t batch_axes;
  DType left_type, right_type, out_type;
  // Neighbouring threads read neighbours along K, or else along the operand's other axis; and 16 bytes each, where the
  // address allows it too.
  bool left_along_k, right_along_k, left_vectors, right_vectors, out_vectors;
  // More than one part of K, each of split_depth: their sums go to the workspace, [split, batch, row, column].
  int64_t splits, split_depth;
  int64_t row_tiles, col_tiles;

  constexpr int64_t tiles() const { return splits * batches * row_tiles * col_tiles; }
};

}  // namespace pt::cuda
