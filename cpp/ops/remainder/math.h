// The remainder has the sign of the divisor, as Python's; 0 for an integer divisor of 0.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V remainder(V x, V y) {
  return floor_remainder(x, y);
}

PT_MATH(remainder, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
