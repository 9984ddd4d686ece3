#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V reciprocal(V x) {
  return V(1) / x;
}

PT_MATH(reciprocal, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
