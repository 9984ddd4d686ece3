#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V multiply(V a, V b) {
  return a * b;
}

PT_MATH(multiply, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
