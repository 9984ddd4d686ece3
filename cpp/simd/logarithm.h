// log and log1p: x = 2^k (1 + f) with 1 + f around 1. For doubles as FreeBSD's msun has them (fdlibm, Sun Microsystems,
// 1993): s = f / (2 + f), log(1 + f) = 2 s + s R(s^2). For floats log(1 + f) = f - f^2 / 2 + f^3 P(f), without the
// division; P is a minimax polynomial.
#pragma once
#include "simd/float_facts.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct log_facts;
template <>
struct log_facts<float> {
  static constexpr int32_t sqrt_half = 0x3f3504f3;
  static constexpr float ln2_high = 6.9313812256e-01f, ln2_low = 9.0580006145e-06f;
  static constexpr float denormal_scale = 0x1p25f;
  static constexpr int denormal_exponent = 25;
  PT_NUMBERS(float, r, 0xaaaaaa.0p-24f, 0xccce13.0p-25f, 0x91e9ee.0p-25f, 0xf89e26.0p-26f);
  PT_NUMBERS(float, p, 0.333333313f, -0.250008196f, 0.200012416f, -0.166234091f, 0.1420158f, -0.131596103f,
             0.127622172f, -0.0763643906f);
};
template <>
struct log_facts<double> {
  static constexpr int64_t sqrt_half = 0x3fe6a09e667f3bcd;
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr double denormal_scale = 0x1p54;
  static constexpr int denormal_exponent = 54;
  PT_NUMBERS(double, r, 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
             2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01);
};

// x = 2^k m with m in [sqrt(1/2), sqrt(2)), for a positive normal x.
template <class V>
struct exponent_and_mantissa {
  bits_vec<V> k;
  V m;
};
template <class V>
PT_FN exponent_and_mantissa<V> split_float(V x) {
  using T = element_of<V>;
  using F = float_facts<T>;
  using B = bits_vec<V>;
  constexpr auto one = decltype(F::bias)(F::bias) << F::mantissa_bits;
  constexpr auto mantissa = (decltype(F::bias)(1) << F::mantissa_bits) - 1;
  B ix = to_bits(x) + B(one - log_facts<T>::sqrt_half);
  return {shift_right(ix, F::mantissa_bits) - B(F::bias),
          from_bits<T>((ix & B(mantissa)) + B(log_facts<T>::sqrt_half))};
}

// log(2^k (1 + f)) + correction.
template <int N>
PT_FN vec<float, N> log_of_parts(vec<float, N> f, vec<float, N> k, vec<float, N> correction = vec<float, N>(0)) {
  using V = vec<float, N>;
  using L = log_facts<float>;
  V square = f * f;
  V rest = fma(f * square, polynomial(f, L::p), fma(k, V(L::ln2_low), correction));
  return fma(k, V(L::ln2_high), f + fma(V(-0.5f), square, rest));
}
template <int N>
PT_FN vec<double, N> log_of_parts(vec<double, N> f, vec<double, N> k, vec<double, N> correction = vec<double, N>(0)) {
  using V = vec<double, N>;
  using L = log_facts<double>;
  V half_square = V(0.5) * f * f;
  V s = f / (V(2) + f);
  V z = s * s;
  V r = z * polynomial(z, L::r);
  V low = fma(k, V(L::ln2_low), correction);
  return fma(k, V(L::ln2_high), f - (half_square - fma(s, half_square + r, low)));
}

// What log gives for arguments that have no finite logarithm.
template <class V>
PT_FN V log_edges(V x, V result) {
  using F = float_facts<element_of<V>>;
  result = select(x < V(0), V(F::nan), result);
  result = select(x == V(0), V(-F::infinity), result);
  return select(x < V(F::infinity), result, x);  // infinity and NaN
}

// x = 2^k (1 + f). Denormal numbers, and those that have no finite logarithm, are so rare that all their lanes together
// are asked for once.
template <class V>
struct log_reduced {
  V f, k;
  bool unusual;
};
template <class V>
PT_FN log_reduced<V> reduce_log(V x) {
  using T = element_of<V>;
  using F = float_facts<T>;
  using L = log_facts<T>;
  const bool unusual = !all((x >= V(F::min_normal)) & (x < V(F::infinity)));
  V scaled = x, added(0);
  if (__builtin_expect(unusual, 0)) {
    auto denormal = x < V(F::min_normal);
    scaled = select(denormal, x * V(L::denormal_scale), x);
    added = select(denormal, V(T(L::denormal_exponent)), V(0));
  }
  auto [k, m] = split_float(scaled);
  return {m - V(1), small_int_to_float<V>(k) - added, unusual};
}

template <class T, int N>
PT_FN vec<T, N> log(vec<T, N> x) {
  auto [f, k, unusual] = reduce_log(x);
  vec<T, N> result = log_of_parts(f, k);
  return __builtin_expect(unusual, 0) ? log_edges(x, result) : result;
}

// To another base: 2^k gives k times the base's share of 2, which is exact for base 2.
template <class V>
PT_FN V log_to_base(V x, V of_two, V of_two_low, V of_e, V of_e_low) {
  auto [f, k, unusual] = reduce_log(x);
  V rest = log_of_parts(f, V(0));
  V low = fma(k, of_two_low, rest * of_e_low);
  V result = fma(k, of_two, fma(rest, of_e, low));
  return __builtin_expect(unusual, 0) ? log_edges(x, result) : result;
}
template <class T, int N>
PT_FN vec<T, N> log2(vec<T, N> x) {
  using V = vec<T, N>;
  constexpr double log2_e = 0x1.71547652b82fep+0, log2_e_low = 0x1.777d0ffda0d24p-56;
  constexpr T high = T(log2_e), low = T(log2_e - double(high) + log2_e_low);
  return log_to_base(x, V(1), V(0), V(high), V(low));
}
template <class T, int N>
PT_FN vec<T, N> log10(vec<T, N> x) {
  using V = vec<T, N>;
  constexpr double log10_e = 0x1.bcb7b1526e50ep-2, log10_e_low = 0x1.95355baaafad3p-57;
  constexpr double log10_2 = 0x1.34413509f79ffp-2, log10_2_low = -0x1.9dc1da994fd21p-59;
  constexpr T high = T(log10_e), low = T(log10_e - double(high) + log10_e_low);
  constexpr T two = T(log10_2), two_low = T(log10_2 - double(two) + log10_2_low);
  return log_to_base(x, V(two), V(two_low), V(high), V(low));
}

// log(1 + x) where the sum was rounded to u > 0. Of m in u = 2^k m what was lost is 2^-k times that, and its share of
// the logarithm that over m, nearly that less f times that.
template <int N>
PT_FN vec<float, N> log_with_lost(vec<float, N> u, vec<float, N>, vec<float, N> lost) {
  using V = vec<float, N>;
  using F = float_facts<float>;
  using B = bits_vec<V>;
  auto [k, m] = split_float(u);
  V down = from_bits<float>((B(F::bias + 1) - k) << F::mantissa_bits);  // twice 2^-k, of which 128 is the largest k
  V f = m - V(1), of_m = V(0.5f) * lost * down;
  return log_of_parts(f, small_int_to_float<V>(k), fma(-f, of_m, of_m));
}
template <int N>
PT_FN vec<double, N> log_with_lost(vec<double, N> u, vec<double, N> x, vec<double, N> lost) {
  using V = vec<double, N>;
  auto [k, m] = split_float(u);
  auto exact = k == bits_vec<V>(0);  // f = x needs no correction
  V correction = select(exact, V(0), lost / u);
  return log_of_parts(select(exact, x, m - V(1)), small_int_to_float<V>(k), correction);
}

template <class T, int N>
PT_FN vec<T, N> log1p(vec<T, N> x) {
  using V = vec<T, N>;
  using F = float_facts<T>;
  V u = V(1) + x, from_x = u - V(1);
  V lost = (V(1) - (u - from_x)) + (x - from_x);
  V result = log_with_lost(u, x, lost);
  // f^2 would vanish where f is small, and with it the sign of zero.
  auto small = abs(x) < V(F::min_normal * 4);
  if (__builtin_expect(!all((u > V(0)) & (u < V(F::infinity)) & !small), 0)) {
    result = select(small, x, log_edges(u, result));
  }
  return result;
}

}  // namespace PT_ISA
}  // namespace pt
