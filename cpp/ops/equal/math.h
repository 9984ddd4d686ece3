#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> equal(V a, V b) {
  return a == b;
}

PT_MATH(equal, 2, Any);

}  // namespace PT_ISA
}  // namespace pt
