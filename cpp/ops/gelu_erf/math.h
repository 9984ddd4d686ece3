// x times the normal distribution function (Hendrycks and Gimpel, 2016), which is accurate in the lower tail too.
#pragma once
#include "simd/formula.h"
#include "simd/gelu_pieces.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V gelu_erf(V x) {
  return gelu_by_pieces(x);
}

PT_MATH_LONG(gelu_erf, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
