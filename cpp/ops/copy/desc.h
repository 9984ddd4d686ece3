// What the plan of a copy tells its kernel. The copied space is a list of planes, rows x cols each.
#pragma once
#include <stdint.h>

namespace pt {

enum class CopyMethod : int32_t {
  Rows,       // the columns are contiguous on both sides
  Fill,       // every row repeats one element
  Transpose,  // rows are contiguous in the input, columns in the output
  Strided,
};

struct CopyDesc {
  CopyMethod method;
  int32_t element_bytes;
  int64_t rows, row_in, row_out;  // all strides in bytes
  int64_t cols, col_in, col_out;
  int32_t plane_axes;
  int64_t plane_extent[8], plane_in[8], plane_out[8];
  int64_t planes;

  // Chunk c = (plane chunk * row_chunks + row chunk) * col_chunks + column chunk.
  int64_t plane_chunk;
  int64_t row_chunk, row_chunks;
  int64_t col_chunk, col_chunks;
};

}  // namespace pt
