// (1 + tanh u) / 2 is sigmoid(2 u), with u = sqrt(2 / pi) (x + 0.044715 x^3).
#pragma once
#include "simd/formula.h"
#include "simd/gelu_argument.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V gelu_tanh(V x) {
  auto s = gelu_sigmoid(x);
  return x * (s.above / s.below);
}

PT_MATH_LONG(gelu_tanh, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
