// A NaN stays a NaN, as in NumPy's maximum.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V relu(V x) {
  return propagating_max(x, V(0));
}

PT_MATH(relu, 1, Number);

}  // namespace PT_ISA
}  // namespace pt
