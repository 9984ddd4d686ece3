// What the plan of a copy tells its kernels on a GPU.
#pragma once
#include "cuda/space.h"

namespace pt::cuda {

struct CopyUnits {
  Units units;   // a: in, b: out, in the order of the output's memory
  bool repeats;  // a unit of the output is one element of the input over and over
};

// Planes of rows x cols elements: rows are contiguous in the input, columns in the output. A block turns tiles of
// them.
struct CopyTiles {
  Axes planes;
  int64_t rows, cols;
  int64_t col_in, row_out;  // strides in bytes
  Divisor row_tiles, col_tiles;
  int64_t tiles;
  int32_t element_bytes;
};
constexpr int kTileThreads = 256;
constexpr int64_t tile_side(int64_t element_bytes) { return element_bytes > 4 ? 32 : 64; }

}  // namespace pt::cuda
