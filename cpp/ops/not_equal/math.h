#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> not_equal(V a, V b) {
  return a != b;
}

PT_MATH(not_equal, 2, Any);

}  // namespace PT_ISA
}  // namespace pt
