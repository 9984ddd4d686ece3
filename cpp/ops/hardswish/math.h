// In the roundings of input * (relu6(input + 3) * (1 / 6)); a NaN stays.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V hardswish(V x) {
  using T = element_of<V>;
  V above = x + V(3);
  above = select(above < V(0), V(0), above);
  return x * (select(above > V(6), V(6), above) * V(T(1.0 / 6)));
}

PT_MATH(hardswish, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
