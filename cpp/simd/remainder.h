// Exact floating remainders, and integer division that cannot trap.
#pragma once
#include "simd/float_facts.h"

namespace pt {
namespace PT_ISA {

// 2^(exponent of x), and x divided by that, for a positive x. Denormals are scaled to normal numbers first.
template <class V>
PT_FN V leading_power(V x) {
  using T = element_of<V>;
  using F = float_facts<T>;
  constexpr T scale = F::mantissa_bits == 23 ? T(0x1p25) : T(0x1p54);
  constexpr auto exponent_bits = decltype(F::bias)(F::bias * 2 + 1) << F::mantissa_bits;
  auto denormal = x < V(F::min_normal);
  V power = from_bits<T>(to_bits(select(denormal, x * V(scale), x)) & bits_vec<V>(exponent_bits));
  return select(denormal, power * V(1 / scale), power);
}
template <class V>
PT_FN V leading_mantissa(V x) {
  using T = element_of<V>;
  using F = float_facts<T>;
  constexpr T scale = F::mantissa_bits == 23 ? T(0x1p25) : T(0x1p54);
  constexpr auto mantissa = (decltype(F::bias)(1) << F::mantissa_bits) - 1;
  V normal = select(x < V(F::min_normal), x * V(scale), x);
  return from_bits<T>((to_bits(normal) & bits_vec<V>(mantissa)) | to_bits(V(1)));
}

// |x| - |y| trunc(|x| / |y|), exactly: long division, each step of which removes nearly as many bits as a mantissa has.
// A step subtracts q t from r, where t = |y| 2^k: both are multiples of the lowest bit of t, and the difference is
// below t, so the fused multiply-add is exact.
template <class V>
PT_FN V magnitude_remainder(V x, V y) {
  using T = element_of<V>;
  using F = float_facts<T>;
  constexpr T step = F::mantissa_bits == 23 ? T(0x1p-20) : T(0x1p-48);
  const V infinity(F::infinity), divisor = abs(y);
  const V mantissa = leading_mantissa(divisor);
  V r = abs(x);
  auto valid = (r < infinity) & (divisor > V(0)) & (divisor < infinity);
  auto left = valid & (r >= divisor);
  while (any(left)) {
    V target = r * V(step);
    V t = select(target > divisor, mantissa * leading_power(target), divisor);
    V next = fma(-trunc(r / t), t, r);
    next = select(next < V(0), next + t, next);  // the rounded quotient may be one too large
    r = select(left, next, r);
    left = left & (r >= divisor);
  }
  return select(valid | ((r < infinity) & (divisor == infinity)), r, V(F::nan));
}

// As Python and NumPy: the sign of the divisor.
template <class V>
PT_FN V float_remainder(V x, V y) {
  V m = copysign(magnitude_remainder(x, y), x);
  auto zero = m == V(0);
  auto differ = (m < V(0)) ^ (y < V(0));
  V shifted = select(differ, m + y, m);
  V result = select(zero, copysign(V(0), y), shifted);
  return select((x != x) | (y != y), x + y, result);
}
// As NumPy: from the remainder, so that the two agree; rounded to the integer next to the quotient.
template <class V>
PT_FN V float_floor_divide(V x, V y) {
  using T = element_of<V>;
  using F = float_facts<T>;
  V m = copysign(magnitude_remainder(x, y), x);
  V quotient = (x - m) / y;
  quotient = select((m != V(0)) & ((m < V(0)) ^ (y < V(0))), quotient - V(1), quotient);
  V whole = floor(quotient);
  whole = select(quotient - whole > V(T(0.5)), whole + V(1), whole);
  V result = select(quotient == V(0), copysign(V(0), x / y), whole);
  result = select((x != x) | (y != y) | (abs(x) == V(F::infinity)), V(F::nan), result);
  // Division by zero gives what the division gives, of infinity too.
  return select(y == V(0), x / y, result);
}

// No instruction divides integers on most instruction sets: one lane at a time. Division by 0 gives 0, as in NumPy, and
// the lowest integer divided by -1 wraps to itself.
template <class T, int N, class Op>
PT_FN vec<T, N> each_lane(vec<T, N> x, vec<T, N> y, Op op) {
  T a[N], b[N];
  store(a, x);
  store(b, y);
  for (int i = 0; i < N; ++i) a[i] = op(a[i], b[i]);
  return vec<T, N>::load(a);
}
PT_FN uint32_t make_unsigned(int32_t a) { return uint32_t(a); }
PT_FN uint64_t make_unsigned(int64_t a) { return uint64_t(a); }
PT_FN uint64_t make_unsigned(uint64_t a) { return a; }
PT_FN int32_t wrapping_negate(int32_t a) { return int32_t(-uint32_t(a)); }
PT_FN int64_t wrapping_negate(int64_t a) { return int64_t(-uint64_t(a)); }
template <class T>
PT_FN T integer_floor_divide(T a, T b) {
  if (b == 0) return 0;
  if constexpr (T(-1) > T(0)) {
    return a / b;
  } else {
    if (b == -1) return wrapping_negate(a);
    T q = a / b;
    return q - T(q * b != a && (a < 0) != (b < 0));
  }
}
template <class T>
PT_FN T integer_remainder(T a, T b) {
  if constexpr (T(-1) > T(0)) {
    return b == 0 ? 0 : a % b;
  } else {
    if (b == 0 || b == -1) return 0;
    T m = a % b;
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
  }
}

template <int N>
PT_FN vec<float, N> floor_division(vec<float, N> x, vec<float, N> y) {
  return float_floor_divide(x, y);
}
template <int N>
PT_FN vec<double, N> floor_division(vec<double, N> x, vec<double, N> y) {
  return float_floor_divide(x, y);
}
template <int N>
PT_FN vec<float, N> floor_remainder(vec<float, N> x, vec<float, N> y) {
  return float_remainder(x, y);
}
template <int N>
PT_FN vec<double, N> floor_remainder(vec<double, N> x, vec<double, N> y) {
  return float_remainder(x, y);
}
// The integers of both widths.
template <class T, int N>
PT_FN vec<T, N> floor_division(vec<T, N> x, vec<T, N> y) {
  return each_lane(x, y, [](T a, T b) { return integer_floor_divide(a, b); });
}
template <class T, int N>
PT_FN vec<T, N> floor_remainder(vec<T, N> x, vec<T, N> y) {
  return each_lane(x, y, [](T a, T b) { return integer_remainder(a, b); });
}

}  // namespace PT_ISA
}  // namespace pt
