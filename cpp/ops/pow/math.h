// simd/power.h has the formula; a negative power of an integer is rounded towards zero.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V power(V x, V y) {
  return pow(x, y);
}

PT_MATH_LONG(pow, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
