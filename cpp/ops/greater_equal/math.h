#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> greater_equal(V a, V b) {
  return a >= b;
}

PT_MATH(greater_equal, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
