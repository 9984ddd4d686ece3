// The derivative at 0 is 0; a NaN keeps the gradient, as in PyTorch.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V relu_grad(V x, V g) {
  return select(x <= V(0), V(0), g);
}

PT_MATH(relu_grad, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
