#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN mask_of<V> signbit(V x) {
  using Bits = decltype(to_bits(x));
  return to_bits(x) < Bits(0);
}

PT_MATH(signbit, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
