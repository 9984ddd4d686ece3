#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> greater_equal(V a, V b) {
  return a >= b;
}

// Of bool: false is below true.
template <int kBytes, int N>
PT_FN mask<kBytes, N> greater_equal(mask<kBytes, N> a, mask<kBytes, N> b) {
  return a | !b;
}

PT_MATH(greater_equal, 2, Any);

}  // namespace PT_ISA
}  // namespace pt
