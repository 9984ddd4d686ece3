#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

// Which sign a NaN has depends on the order in which a compiler names the operands: it counts as none.
template <class V>
PT_FN mask_of<V> signbit(V x) {
  using Bits = decltype(to_bits(x));
  return (to_bits(x) < Bits(0)) & (x == x);
}

PT_MATH(signbit, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
