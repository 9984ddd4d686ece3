// Through e^-|x|, which cannot overflow; e^x does past 88.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V sigmoid(V x) {
  V t = exp(-abs(x));
  return select(x < V(0), t, V(1)) / (V(1) + t);
}

PT_MATH(sigmoid, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
