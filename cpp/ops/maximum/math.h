// A NaN in either argument is the result.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V maximum(V a, V b) {
  return propagating_max(a, b);
}

PT_MATH(maximum, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
