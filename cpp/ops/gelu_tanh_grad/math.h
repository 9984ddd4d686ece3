// With s = sigmoid(w(x)): s + x s (1 - s) w'(x).
#pragma once
#include "simd/formula.h"
#include "simd/gelu_argument.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V gelu_tanh_grad(V x, V g) {
  auto s = gelu_sigmoid(x);
  V inverse = V(1) / s.below;
  V rest = x * s.slope * (s.complement * inverse);
  // Where the sigmoid is 0 or 1 exactly the product could be 0 times infinity.
  rest = select(s.complement == V(0), V(0), rest);
  return g * (s.above * inverse * (V(1) + rest));
}

PT_MATH_LONG(gelu_tanh_grad, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
