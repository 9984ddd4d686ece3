#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V square(V x) {
  return x * x;
}

PT_MATH(square, 1, Number);

}  // namespace PT_ISA
}  // namespace pt
