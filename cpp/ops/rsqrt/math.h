// Two correctly rounded operations: the processor's own estimate differs between makers.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V rsqrt(V x) {
  return V(1) / sqrt(x);
}

PT_MATH(rsqrt, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
