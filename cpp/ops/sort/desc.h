#pragma once
#include <stdint.h>

#include "core/space.h"
#include "ops/fused/desc.h"

namespace pt {

// Positions that sort each line of x along an axis, or the first of them.
struct SortDesc {
  Space lines;                 // the other axes; a: x, b: out
  int64_t n, wanted;           // elements of a line, and how many positions
  int64_t stride, out_stride;  // along the axis, in bytes
  FusedStorage storage;
  bool descending;
  int64_t chunk;  // lines
  int64_t room;   // entries that are kept at a time, more than are wanted unless these are all
};

// Where each value belongs in a sorted row.
struct SearchDesc {
  Space values;       // a: values, b: out
  int64_t n, stride;  // of the sorted row, in bytes
  FusedStorage storage;
  bool right;
  int64_t chunk;  // values
};

}  // namespace pt
