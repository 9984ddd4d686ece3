#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class T, int N>
PT_FN vec<T, N> bitwise_invert(vec<T, N> x) {
  return x ^ vec<T, N>(-1);
}
template <int kBytes, int N>
PT_FN mask<kBytes, N> bitwise_invert(mask<kBytes, N> x) {
  return !x;
}

PT_MATH(bitwise_invert, 1, Bits);

}  // namespace PT_ISA
}  // namespace pt
