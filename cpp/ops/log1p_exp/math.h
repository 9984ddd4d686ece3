// log(1 + e^x) without overflow.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V log1p_exp(V x) {
  return propagating_max(x, V(0)) + log1p(exp(-abs(x)));
}

PT_MATH(log1p_exp, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
