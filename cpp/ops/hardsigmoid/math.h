// In the roundings of relu6(input + 3) * (1 / 6); a NaN stays.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V hardsigmoid(V x) {
  V above = x + V(3);
  above = select(above < V(0), V(0), above);
  return select(above > V(6), V(6), above) * V(element_of<V>(1.0 / 6));
}

PT_MATH(hardsigmoid, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
