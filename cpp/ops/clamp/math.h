// A value on a bound, and a NaN, stay what they are.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V clamp(V x, V low, V high) {
  x = select(x < low, low, x);
  return select(x > high, high, x);
}

PT_MATH(clamp, 3, Number);

}  // namespace PT_ISA
}  // namespace pt
