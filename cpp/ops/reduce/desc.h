// A reduction over one group of axes, [outer, reduced, inner] -> [outer, inner], of any strides.
#pragma once
#include <stdint.h>

#include "ops/fused/desc.h"

namespace pt {

// How elements combine. Any and All are the maximum and minimum of truth.
enum class ReduceCombine : uint8_t { Sum, Prod, Max, Min };

constexpr int64_t kCombineColumns = 4096;  // columns whose groups one chunk combines

struct ReduceAxes {
  int32_t count;
  int64_t extent[8], stride[8];
};

struct ReduceDesc {
  ReduceCombine combine;
  FusedStorage from, to;
  FusedClass accumulator;  // what elements are converted to
  uint8_t truth;           // elements count as 0 or 1
  ReduceAxes outer, reduced;
  int64_t n_outer, n_reduced;
  int64_t inner, inner_stride;
  int64_t strip;  // columns that a chunk takes
  int64_t outer_per_chunk;
  int64_t part;   // reduced elements that a chunk takes: all, or whole groups
  int64_t parts;  // above 1 the results go to the workspace, [parts, outer, inner]
};

}  // namespace pt
