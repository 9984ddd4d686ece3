#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> logical_or(V a, V b) {
  return truth(a) | truth(b);
}

PT_MATH(logical_or, 2, Any);

}  // namespace PT_ISA
}  // namespace pt
