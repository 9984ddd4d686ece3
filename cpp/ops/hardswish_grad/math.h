// The slope is 0 up to -3, 1 from 3 on, and input / 3 + 1 / 2 between them.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V hardswish_grad(V x, V g) {
  using T = element_of<V>;
  V slope = select(x >= V(3), V(1), x * V(T(1.0 / 3)) + V(T(0.5)));
  return g * select(x <= V(-3), V(0), slope);
}

PT_MATH(hardswish_grad, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
