#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V divide(V a, V b) {
  return a / b;
}

PT_MATH(divide, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
