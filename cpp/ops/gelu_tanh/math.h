// (1 + tanh u) / 2 is sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V gelu_tanh(V x) {
  using T = element_of<V>;
  V twice_u = x * fma(x * x, V(T(0.071354816272600250)), V(T(1.5957691216057308)));
  V t = exp(-abs(twice_u));
  return x * select(x < V(0), t, V(1)) / (V(1) + t);
}

PT_MATH(gelu_tanh, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
