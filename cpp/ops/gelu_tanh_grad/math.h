// With s = sigmoid(w(x)): s + x s (1 - s) w'(x); 1 - s is sigmoid(-w), which does not cancel.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V gelu_tanh_grad(V x, V g) {
  using T = element_of<V>;
  V square = x * x;
  V w = x * fma(square, V(T(0.071354816272600250)), V(T(1.5957691216057308)));
  V slope = fma(square, V(T(0.21406444881780075)), V(T(1.5957691216057308)));
  V t = exp(-abs(w));
  V inverse = V(1) / (V(1) + t);
  auto negative = x < V(0);
  V s = select(negative, t, V(1)) * inverse;
  V rest = select(negative, V(1), t) * inverse;
  return g * (s * fma(x * slope, rest, V(1)));
}

PT_MATH(gelu_tanh_grad, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
