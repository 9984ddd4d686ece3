#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V bitwise_or(V a, V b) {
  return a | b;
}

PT_MATH(bitwise_or, 2, Bits);

}  // namespace PT_ISA
}  // namespace pt
