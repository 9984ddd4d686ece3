// The layout of the two float types, and polynomials.
#pragma once
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct float_facts;
template <>
struct float_facts<float> {
  static constexpr int mantissa_bits = 23;
  static constexpr int32_t bias = 127;
  static constexpr float min_normal = 0x1p-126f;
  static constexpr float infinity = __builtin_bit_cast(float, 0x7f800000);
  static constexpr float nan = __builtin_bit_cast(float, 0x7fc00000);
  // Added to a number below 2^22, it leaves the nearest integer in the lowest bits.
  static constexpr float round_shift = 0x1.8p23f;
};
template <>
struct float_facts<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr int64_t bias = 1023;
  static constexpr double min_normal = 0x1p-1022;
  static constexpr double infinity = __builtin_bit_cast(double, int64_t(0x7ff0000000000000));
  static constexpr double nan = __builtin_bit_cast(double, int64_t(0x7ff8000000000000));
  static constexpr double round_shift = 0x1.8p52;
};

template <class V>
using bits_vec = vec<typename lane_of<sizeof(element_of<V>)>::type, V::lanes>;

// Coefficients from the constant term up; Horner's rule with fused multiply-adds.
template <class V, int kCount>
PT_FN V polynomial(V x, const element_of<V> (&coefficients)[kCount]) {
  V sum(coefficients[kCount - 1]);
  PT_UNROLL_LONG
  for (int i = kCount - 2; i >= 0; --i) sum = fma(sum, x, V(coefficients[i]));
  return sum;
}
#if defined(__CUDACC__)
template <class V, auto... kNumbers>
PT_FN V polynomial(V x, numbers<kNumbers...>) {
  const element_of<V> coefficients[] = {element_of<V>(kNumbers)...};
  return polynomial(x, coefficients);
}
#endif

// An integer below 2^22 (2^51 for doubles) as a float of the same width.
template <class V>
PT_FN V small_int_to_float(bits_vec<V> k) {
  using T = element_of<V>;
  const V shift(float_facts<T>::round_shift);
  return from_bits<T>(to_bits(shift) + k) - shift;
}

}  // namespace PT_ISA
}  // namespace pt
