// The axes of an iteration over one or two strided tensors, as threads walk them: each finds its elements by their
// number. Plain data, for planners and kernels.
#pragma once
#include <stdint.h>

namespace pt::cuda {

// Divides by multiplying: numbers below 2^31 by `magic` and a shift; larger ones, which `wide` says may come, by
// `wide_magic`, the ceiling of 2^64 / by (0 divides by 1), which gives the quotient or one more.
struct Divisor {
  int64_t by;
  uint64_t wide_magic;
  uint32_t magic, shift;
  bool wide;
};

struct Axes {
  int32_t count;  // at least 1
  Divisor extent[8];
  int64_t a[8], b[8];  // strides of the two tensors, in bytes
  int64_t elements;
};

// A space whose innermost axis is contiguous, in units of 1 to 16 bytes; `tail` elements of a single run do not fill a
// unit.
struct Units {
  Axes axes;
  int32_t unit_bytes, element_bytes;
  int64_t tail, tail_at;  // tail_at: in bytes
};

}  // namespace pt::cuda
