#pragma once
#include <stdint.h>

#include "core/space.h"

namespace pt {

// Rows of `table` along one axis: out[outer, j, inner] = table[outer, index[j], inner]; out is row-major.
struct GatherDesc {
  Space outer, inner;  // of the table
  Space index;
  int64_t axis_size, axis_stride;  // of the table, in bytes
  int32_t element_bytes;
  bool wide_index;  // i64, else i32
  bool contiguous;  // inner is one run of memory

  // Chunk c = row chunk * piece_chunks + piece; a row is one (outer, j), a piece a part of inner.
  int64_t rows, row_chunk;
  int64_t piece, piece_chunks;
};

// One element per index: out[..., j, ...] = x[..., index[..., j, ...], ...].
struct TakeAlongDesc {
  Space space;  // of out, which is row-major; a: x without the axis, b: index
  int64_t axis_size, axis_stride;
  int32_t element_bytes;
  bool wide_index;
  int64_t chunk;  // elements
};

}  // namespace pt
