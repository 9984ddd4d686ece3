#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> logical_not(V a) {
  return !truth(a);
}

PT_MATH(logical_not, 1, Any);

}  // namespace PT_ISA
}  // namespace pt
