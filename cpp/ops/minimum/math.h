// A NaN in either argument is the result.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V minimum(V a, V b) {
  return propagating_min(a, b);
}

PT_MATH(minimum, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
