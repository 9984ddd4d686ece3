#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> less(V a, V b) {
  return a < b;
}

PT_MATH(less, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
