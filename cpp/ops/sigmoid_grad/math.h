// From the result y, which the forward pass has anyway.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V sigmoid_grad(V y, V g) {
  return g * (y * (V(1) - y));
}

PT_MATH(sigmoid_grad, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
