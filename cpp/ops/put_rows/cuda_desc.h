#pragma once
#include "cuda/space.h"

namespace pt::cuda {

// out[index[j]] = rows[j], whole rows, of the last j that names a row. Row-major throughout. Each source that names a
// row enters its number, counted from 1, if it is the largest; then the one whose number stands there writes.
struct PutRows {
  int64_t axis_size, sources;
  Divisor row_units;  // units of a row
  int64_t units;      // of all sources
  int32_t unit_bytes;
  bool wide_index;  // i64, else i32
};

}  // namespace pt::cuda
