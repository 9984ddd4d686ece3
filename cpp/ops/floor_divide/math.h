// Rounds towards minus infinity, as Python's; 0 for an integer divisor of 0.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V floor_divide(V x, V y) {
  return floor_division(x, y);
}

PT_MATH(floor_divide, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
