#pragma once
#include <stdint.h>

#include "core/space.h"

namespace pt {

// out[outer, index[j], inner] += updates[outer, j, inner], in two launches: the sources are sorted by destination into
// the workspace, then each destination row adds its own, in order. out is row-major.
struct ScatterAddDesc {
  Space index;         // a: the index, b: the same axes of the updates
  Space outer, inner;  // of the updates
  int64_t axis_size;   // destination rows of each outer
  bool wide_index;     // i64, else i32
  bool accumulate;     // what is in out comes first
  bool contiguous;     // inner of the updates is one run of memory
  bool large;          // out is larger than what caches keep: rows of zeros go past them

  // Chunk c = ((outer * row_chunks) + row chunk) * piece_chunks + piece, a piece being a part of inner.
  int64_t row_chunk, row_chunks;
  int64_t piece, piece_chunks;
};

// out[outer, index[outer, j, inner], inner] += updates[outer, j, inner], out zeroed first.
struct PutAlongDesc {
  Space outer, inner;                   // a: index, b: updates
  int64_t index_stride, update_stride;  // along the axis, in bytes
  int64_t sources, axis_size;
  bool wide_index;

  // Chunk c = lines c * chunk ..., a line being one (outer, lanes of inner).
  int64_t lanes, lane_chunks;  // elements of inner that are done together
  int64_t lines, chunk;
};

}  // namespace pt
