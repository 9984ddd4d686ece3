#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> isnan(V x) {
  return x != x;
}

PT_MATH(isnan, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
