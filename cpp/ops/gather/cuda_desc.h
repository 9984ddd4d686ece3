// What plans that read by index tell their kernels on a GPU; desc.h has the same for the CPU.
#pragma once
#include "cuda/space.h"

namespace pt::cuda {

// Rows of a table, in units of 1 to 16 bytes where a row is one run of memory.
struct GatherRows {
  Axes outer, inner;  // a: the table; inner in units
  Axes index;
  Divisor row_units, indices;      // units of a row, and how many indices there are
  int64_t axis_size, axis_stride;  // of the table, in bytes
  int64_t units;                   // of the output
  int32_t unit_bytes;
  bool wide_index;  // i64, else i32
};

struct TakeAlong {
  Axes axes;  // of the output; a: x without the axis, b: index
  int64_t axis_size, axis_stride;
  int32_t element_bytes;
  bool wide_index;
};

}  // namespace pt::cuda
