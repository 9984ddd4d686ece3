// The derivative of x s(x) is s (1 + x (1 - s)); 1 - s is s(-x), which does not cancel.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V silu_grad(V x, V g) {
  V t = exp(-abs(x));
  V inverse = V(1) / (V(1) + t);
  auto negative = x < V(0);
  V s = select(negative, t, V(1)) * inverse;
  V rest = select(negative, V(1), t) * inverse;
  return g * (s * fma(x, rest, V(1)));
}

PT_MATH(silu_grad, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
