// A NaN stays a NaN.
#pragma once
#include "simd/float_facts.h"
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V flush_denormals(V x) {
  return select(abs(x) < V(float_facts<element_of<V>>::min_normal), V(0), x);
}

PT_MATH(flush_denormals, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
