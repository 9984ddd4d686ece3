// From the result y, which the forward pass has anyway.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V tanh_grad(V y, V g) {
  return g * (V(1) - y * y);
}

PT_MATH(tanh_grad, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
