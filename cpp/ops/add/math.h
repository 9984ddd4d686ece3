#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V add(V a, V b) {
  return a + b;
}

PT_MATH(add, 2, Number);

}  // namespace PT_ISA
}  // namespace pt
