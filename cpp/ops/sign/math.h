// The last select passes a NaN on; 0 and -0 give 0.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V sign(V x) {
  return select(x > V(0), V(1), select(x < V(0), V(-1), select(x == V(0), V(0), x)));
}

PT_MATH(sign, 1, Number);

}  // namespace PT_ISA
}  // namespace pt
