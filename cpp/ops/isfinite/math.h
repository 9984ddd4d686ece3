// x - x is 0 for a finite number, and NaN otherwise.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> isfinite(V x) {
  return x - x == V(0);
}

PT_MATH(isfinite, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
