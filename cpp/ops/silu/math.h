// x sigmoid(x).
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V silu(V x) {
  V t = exp(-abs(x));
  return x * select(x < V(0), t, V(1)) / (V(1) + t);
}

PT_MATH(silu, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
