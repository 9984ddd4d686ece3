// Where the elements of an iteration are, for kernels.
#pragma once
#include "cuda/kernel.h"
#include "cuda/space.h"

namespace pt::cuda {

struct Divided {
  int64_t quotient, rest;
};
PT_DEVICE Divided divide(int64_t n, const Divisor& d) {
  if (d.wide) {
    const int64_t quotient = d.wide_magic ? int64_t(__umul64hi(uint64_t(n), d.wide_magic)) : n;
    const int64_t rest = n - quotient * d.by;
    return rest < 0 ? Divided{quotient - 1, rest + d.by} : Divided{quotient, rest};
  }
  const uint32_t small = uint32_t(n);
  const uint32_t quotient = (uint32_t(uint64_t(small) * d.magic >> 32) + small) >> d.shift;
  return {int64_t(quotient), int64_t(small - quotient * uint32_t(d.by))};
}

struct Offsets {
  int64_t a, b;
};
// Of element number n, in bytes.
PT_DEVICE Offsets offsets_of(const Axes& axes, int64_t n) {
  Offsets at{0, 0};
  for (int axis = axes.count - 1; axis > 0; --axis) {
    const Divided part = divide(n, axes.extent[axis]);
    at.a += part.rest * axes.a[axis];
    at.b += part.rest * axes.b[axis];
    n = part.quotient;
  }
  at.a += n * axes.a[0];
  at.b += n * axes.b[0];
  return at;
}

}  // namespace pt::cuda
