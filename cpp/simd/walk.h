// Walking through a Space in row-major order.
#pragma once
#include "core/space.h"

namespace pt {
namespace PT_ISA {

struct Walk {
  const Space* space;
  int64_t index[8];
  int64_t a, b;  // byte offsets of the current element

  // At element number `linear` of the first `axes` axes.
  inline Walk(const Space& s, int64_t linear, int axes) : space(&s), index{}, a(0), b(0) {
    for (int axis = axes - 1; axis >= 0; --axis) {
      index[axis] = axis ? linear % s.extent[axis] : linear;
      linear /= s.extent[axis];
      a += index[axis] * s.a[axis];
      b += index[axis] * s.b[axis];
    }
  }
  inline Walk(const Space& s, int64_t linear) : Walk(s, linear, s.axes) {}

  // The next element of the first `axes` axes.
  inline void next(int axes) {
    for (int axis = axes - 1; axis >= 0; --axis) {
      a += space->a[axis];
      b += space->b[axis];
      if (++index[axis] < space->extent[axis] || axis == 0) return;
      a -= index[axis] * space->a[axis];
      b -= index[axis] * space->b[axis];
      index[axis] = 0;
    }
  }
  inline void next() { next(space->axes); }
};

// Byte offset of element number `linear` in the space's first tensor.
inline int64_t offset_in(const Space& s, int64_t linear) {
  if (s.axes == 1) return linear * s.a[0];
  return Walk(s, linear).a;
}

}  // namespace PT_ISA
}  // namespace pt
