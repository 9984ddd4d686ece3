// What plans that put by index tell their kernels on a GPU; desc.h has the same for the CPU.
#pragma once
#include "cuda/space.h"
#include "ops/fused/desc.h"

namespace pt::cuda {

// The entries that are sorted: each source by its destination, and behind all of these the ones without.
struct ScatterKeys {
  Axes index;  // a: the index
  int64_t axis_size;
  bool wide_index;  // i64, else i32
};

// starts[row] is the first sorted entry of that destination, or of a later one; rows + 1 of them.
struct ScatterStarts {
  int64_t entries, rows;
};

// out[outer, row, inner] = the sum over the row's sources of updates[outer, source, inner], in order.
struct ScatterRows {
  Axes index;           // b: the updates along the axes of the index
  Axes outer, inner;    // a: the updates
  Divisor width, rows;  // elements of inner, and destinations
  int64_t elements;     // of out
  FusedStorage storage;
  bool accumulate;  // what is in out comes first
};

// out[outer, index[outer, j, inner], inner] joined with updates[outer, j, inner]. A thread takes a line, which is all
// of one outer and inner.
struct PutLines {
  Axes outer, inner;  // a: index, b: updates
  Divisor width;      // elements of inner
  int64_t lines, sources, axis_size;
  int64_t index_stride, update_stride;  // along the axis, in bytes
  FusedStorage storage;
  bool wide_index;
};

// The same where there are few lines: entries sorted by the element of out that they go to.
struct PutKeys {
  Axes updates;            // a: index, b: updates
  Divisor width, sources;  // elements of inner, and of the axis
  int64_t axis_size, nowhere;
  bool wide_index;
};
struct PutSorted {
  Axes updates;     // b
  int64_t nowhere;  // elements of out: the destination of entries without one
  FusedStorage storage;
};

}  // namespace pt::cuda
