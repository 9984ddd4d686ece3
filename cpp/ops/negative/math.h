#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V negative(V x) {
  return -x;
}

PT_MATH(negative, 1, Number);

}  // namespace PT_ISA
}  // namespace pt
