// sinh, cosh and their inverses, with one division at most. x = n ln 2 + r as for exp; then both functions of x are
// sums of sinh r and cosh r, whose series have few terms, by 2^n and 2^-n. The inverses are logarithms log(2^k m) = k
// ln 2 + 2 atanh(s) with s = (m - 1) / (m + 1); where k is 0, s is known without the loss of m - 1.
#pragma once
#include "simd/exponential.h"
#include "simd/logarithm.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct hyperbolic_facts;
template <>
struct hyperbolic_facts<float> {
  static constexpr float infinite = 89.5f;   // from here on both are; 2^(n-2) is not yet
  static constexpr float only_growing = 20;  // where e^-x is lost beside e^x
  static constexpr float large = 0x1p28f;    // where the 1 beside the square is
  PT_NUMBERS(float, sine, 0.16666667f, 0.00833331048f, 0.000198910609f);
  PT_NUMBERS(float, cosine, 0.5f, 0.0416664630f, 0.00139337138f);
};
template <>
struct hyperbolic_facts<double> {
  static constexpr double infinite = 710.6;
  static constexpr double only_growing = 40;
  static constexpr double large = 0x1p28;
  PT_NUMBERS(double, sine, 1.0 / 6, 1.0 / 120, 1.0 / 5040, 1.0 / 362880, 1.0 / 39916800, 1.0 / 6227020800);
  PT_NUMBERS(double, cosine, 1.0 / 2, 1.0 / 24, 1.0 / 720, 1.0 / 40320, 1.0 / 3628800, 1.0 / 479001600);
};

// Of a >= 0: sinh a = sinh r (2^n + 2^-n) / 2 + cosh r (2^n - 2^-n) / 2, and cosh a is the same turned round.
template <class V>
struct hyperbolic_parts {
  V sine, cosine;  // of r; the cosine without its 1, which would hide the last bits
  V even, odd;     // a quarter of 2^n + 2^-n, and of 2^n - 2^-n, so that they do not overflow first
};
template <class V>
PT_FN hyperbolic_parts<V> parts_of_hyperbolic(V a) {
  using T = element_of<V>;
  using F = float_facts<T>;
  using H = hyperbolic_facts<T>;
  const auto reduced = reduce_exp(lesser_of(V(H::infinite), a));
  V r = reduced.r, z = r * r;
  V sine = r + fma(r * z, polynomial(z, H::sine), reduced.r_lost);
  V cosine = z * polynomial(z, H::cosine);
  using B = bits_vec<V>;
  V up = from_bits<T>((reduced.n + B(F::bias - 2)) << F::mantissa_bits);
  V down = from_bits<T>((B(F::bias - 2) - reduced.n) << F::mantissa_bits);
  down = select(a > V(H::only_growing), V(0), down);
  return {sine, cosine, up + down, up - down};
}

template <class T, int N>
PT_FN vec<T, N> sinh(vec<T, N> x) {
  using V = vec<T, N>;
  V a = abs(x);
  const auto p = parts_of_hyperbolic(a);
  V result = V(2) * (p.odd + fma(p.cosine, p.odd, p.sine * p.even));
  // A quarter would lose the lowest bits of a denormal.
  return copysign(select(a < V(float_facts<T>::min_normal * 4), a, result), x);
}
template <class T, int N>
PT_FN vec<T, N> cosh(vec<T, N> x) {
  const auto p = parts_of_hyperbolic(abs(x));
  return vec<T, N>(2) * (p.even + fma(p.cosine, p.even, p.sine * p.odd));
}

// k ln 2 + 2 atanh(over / below), where that quotient is small.
template <class V>
PT_FN V log_of_quotient(V over, V below, V k) {
  using L = log_facts<element_of<V>>;
  V s = over / below, z = s * s;
  V rest = fma(s * z, polynomial(z, L::r), k * V(L::ln2_low));
  return fma(k, V(L::ln2_high), fma(V(2), s, rest));
}

// log(sine + cosine), the hyperbolic ones of a number >= 0 that is wanted. Both are `large` where that is, and their
// sum might overflow.
template <class V>
PT_FN V inverse_hyperbolic(V sine, V cosine, V large) {
  using T = element_of<V>;
  using F = float_facts<T>;
  using B = bits_vec<V>;
  auto is_large = large > V(hyperbolic_facts<T>::large);
  V both = sine + cosine, sum = select(is_large, large, both);
  auto [k, m] = split_float(sum);
  V down = from_bits<T>((B(F::bias) - k) << F::mantissa_bits);
  V lost = select(is_large, V(0), (sine - (both - cosine)) * down);
  auto near = (k == B(0)) & !is_large;
  V over = select(near, sine, (m - V(1)) + lost), below = select(near, cosine + V(1), m + V(1));
  V exponent = small_int_to_float<V>(k) + select(is_large, V(1), V(0));
  return select(large < V(F::infinity), log_of_quotient(over, below, exponent), large);
}

template <class T, int N>
PT_FN vec<T, N> asinh(vec<T, N> x) {
  using V = vec<T, N>;
  V a = abs(x);
  V result = inverse_hyperbolic(a, sqrt(fma(a, a, V(1))), a);
  return copysign(select(a < V(float_facts<T>::min_normal * 4), a, result), x);
}
template <class T, int N>
PT_FN vec<T, N> acosh(vec<T, N> x) {
  using V = vec<T, N>;
  V above = x - V(1);
  V result = inverse_hyperbolic(sqrt(above * (x + V(1))), x, x);
  return select(x < V(1), V(float_facts<T>::nan), result);
}

// Half the logarithm of (1 + a) / (1 - a), whose power of two is known from those of both. Where it is small, what is
// over the line is rounded once; where it is large, 1 - a is exact.
template <int N>
PT_FN vec<float, N> positive_atanh(vec<float, N> a) {
  using V = vec<float, N>;
  using F = float_facts<float>;
  using B = bits_vec<V>;
  V up = V(1) + a, down = V(1) - a;
  B apart = to_bits(up) - to_bits(down);
  B k = shift_right(apart + B(1 << (F::mantissa_bits - 1)), F::mantissa_bits);
  V power = from_bits<float>((k + B(F::bias)) << F::mantissa_bits);
  V over = select(k > B(8), fma(-power, down, up), fma(a, power + V(1), V(1) - power));
  return V(0.5f) * log_of_quotient(over, fma(power, down, up), small_int_to_float<V>(k));
}
template <int N>
PT_FN vec<double, N> positive_atanh(vec<double, N> a) {
  using V = vec<double, N>;
  return V(0.5) * log1p((a + a) / (V(1) - a));
}
template <class T, int N>
PT_FN vec<T, N> atanh(vec<T, N> x) {
  using V = vec<T, N>;
  using F = float_facts<T>;
  V a = abs(x);
  V result = select(a < V(F::min_normal * 4), a, positive_atanh(a));
  result = select(a < V(1), result, select(a == V(1), V(F::infinity), V(F::nan)));
  return copysign(result, x);
}

}  // namespace PT_ISA
}  // namespace pt
