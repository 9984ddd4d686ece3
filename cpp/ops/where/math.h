#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V where(mask_of<V> condition, V a, V b) {
  return select(condition, a, b);
}

PT_MATH_MASKED(where, 3, Any);

}  // namespace PT_ISA
}  // namespace pt
