// The derivative of x P(x) is P(x) + x p(x), with the density p(x) = e^(-x^2 / 2) / sqrt(2 pi).
#pragma once
#include "simd/formula.h"
#include "simd/gelu_pieces.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V gelu_erf_grad(V x, V g) {
  return g * gelu_slope(x);
}

PT_MATH_LONG(gelu_erf_grad, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
