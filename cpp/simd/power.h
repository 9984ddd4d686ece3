// pow: e^(y log |x|), with the logarithm as an unevaluated sum of two doubles (T. J. Dekker, "A floating-point
// technique for extending the available precision", 1971), since an error in it is multiplied by y. Floats go through
// doubles.
#pragma once
#include "simd/exponential.h"
#include "simd/logarithm.h"

namespace pt {
namespace PT_ISA {

template <class V>
struct two_sum {
  V high, low;
};
template <class V>
PT_FN two_sum<V> exact_product(V a, V b) {
  V high = a * b;
  return {high, fma(a, b, -high)};
}
// Needs |a| >= |b|.
template <class V>
PT_FN two_sum<V> exact_sum(V a, V b) {
  V high = a + b;
  return {high, b - (high - a)};
}

// log of a positive finite x to about 2^-66. With s = f / (2 + f): log(1 + f) = 2 s + (2/3) s^3 + s^5 (...); the first
// two terms are carried in two parts.
template <int N>
PT_FN two_sum<vec<double, N>> log_in_two(vec<double, N> x) {
  using V = vec<double, N>;
  PT_NUMBERS(double, rest, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21,
             2.0 / 23);
  auto denormal = x < V(float_facts<double>::min_normal);
  auto [k, m] = split_float(select(denormal, x * V(0x1p54), x));
  V exponent = small_int_to_float<V>(k) - select(denormal, V(54), V(0));
  V f = m - V(1), below = V(2) + f;
  V below_lost = f - (below - V(2));
  V s = f / below;
  V s_low = fma(-s, below_lost, fma(-s, below, f)) / below;
  auto square = exact_product(s, s);
  V square_low = fma(V(2) * s, s_low, square.low);
  auto cube = exact_product(square.high, s);
  V cube_low = fma(square.high, s_low, fma(square_low, s, cube.low));
  auto third = exact_product(cube.high, V(2.0 / 3));
  // 2/3 itself is a double and a rest.
  V third_low = fma(cube.high, V(0x1.5555555555555p-55), fma(cube_low, V(2.0 / 3), third.low));
  V fifth = cube.high * square.high * polynomial(square.high, rest);
  auto main = exact_product(exponent, V(0x1.62e42fefa39efp-1));
  V main_low = fma(exponent, V(0x1.abc9e3b39803fp-56), main.low);
  auto sum = exact_sum(V(2) * s, third.high);
  V low = fma(V(2), s_low, sum.low) + (third_low + fifth);
  // exponent * ln 2 is 0 or larger than the rest.
  auto whole = exact_sum(main.high, sum.high);
  auto zero = exponent == V(0);
  V high = select(zero, sum.high, whole.high);
  low = low + select(zero, V(0), whole.low + main_low);
  return exact_sum(high, low);
}

// Of x^y: what C's pow has for signs, zeros, ones, infinities and NaN.
template <class V>
PT_FN V power_edges(V x, V y, V magnitude) {
  using T = element_of<V>;
  using F = float_facts<T>;
  auto whole = floor(y) == y;
  V half = y * V(T(0.5));
  auto odd = whole & (floor(half) != half) & (abs(y) < V(T(int64_t(2) << F::mantissa_bits)));
  V result = select(odd, copysign(magnitude, x), magnitude);
  auto finite_negative = (x < V(0)) & (x > V(-F::infinity));
  result = select(finite_negative & (!whole), V(F::nan), result);
  result = select((x != x) | (y != y), x + y, result);
  auto one = (x == V(1)) | (y == V(0)) | ((x == V(-1)) & (abs(y) == V(F::infinity)));
  return select(one, V(1), result);
}

// |x|^y but for the edges that are not limits.
template <int N>
PT_FN vec<double, N> power_of_magnitude(vec<double, N> x, vec<double, N> y) {
  using V = vec<double, N>;
  const V infinity(float_facts<double>::infinity);
  V a = abs(x);
  auto ordinary = (a > V(0)) & (a < infinity) & (abs(y) < infinity);
  auto log_x = log_in_two(select(ordinary, a, V(1)));
  // Far outside the range of exp the exact product could overflow.
  V bounded = greater_of(V(-0x1p70), lesser_of(V(0x1p70), y));
  auto product = exact_product(bounded, log_x.high);
  V low = fma(bounded, log_x.low, product.low);
  V result = exp_corrected(clamp_above(product.high), select(abs(product.high) < V(1000), low, V(0)));
  // 0, infinity, or an infinite power: the limit is 0 or infinity, or 1 for |x| = 1.
  auto grows = (a > V(1)) ^ (y < V(0));
  V limit = select(a == V(1), V(1), select(grows, infinity, V(0)));
  return select(ordinary, result, limit);
}

template <int N>
PT_FN vec<double, N> pow(vec<double, N> x, vec<double, N> y) {
  return power_edges(x, y, power_of_magnitude(x, y));
}

template <int N>
PT_FN vec<float, N> pow(vec<float, N> x, vec<float, N> y) {
  constexpr int kWide = N < 8 ? N : 8;
  using Wide = vec<double, kWide>;
  float lanes_x[N], lanes_y[N], lanes[N];
  store(lanes_x, x);
  store(lanes_y, y);
  for (int i = 0; i < N; i += kWide) {
    double wide_x[kWide], wide_y[kWide], wide[kWide];
    for (int j = 0; j < kWide; ++j) {
      wide_x[j] = double(lanes_x[i + j]);
      wide_y[j] = double(lanes_y[i + j]);
    }
    Wide a = abs(Wide::load(wide_x)), b = Wide::load(wide_y);
    const Wide infinity(float_facts<double>::infinity);
    auto ordinary = (a > Wide(0)) & (a < infinity) & (abs(b) < infinity);
    Wide result = exp(b * log(select(ordinary, a, Wide(1))));
    auto grows = (a > Wide(1)) ^ (b < Wide(0));
    Wide limit = select(a == Wide(1), Wide(1), select(grows, infinity, Wide(0)));
    store(wide, select(ordinary, result, limit));
    for (int j = 0; j < kWide; ++j) lanes[i + j] = float(wide[j]);
  }
  return power_edges(x, y, vec<float, N>::load(lanes));
}

// Integers by squaring. A negative power is 0 unless the base is 1 or -1, as rounding towards zero has it; of 0 too.
template <class T, int N>
PT_FN vec<T, N> integer_power(vec<T, N> x, vec<T, N> y) {
  using V = vec<T, N>;
  const V zero(0), one(1);
  auto odd = (y & one) == one;
  V of_negative = select(x == one, one, select(x == -one, select(odd, x, one), zero));
  auto negative = y < zero;
  V result = one, rest = select(negative, zero, y);
  while (any(rest != zero)) {
    result = select((rest & one) == one, result * x, result);
    x = x * x;
    rest = shift_right(rest, 1);
  }
  return select(negative, of_negative, result);
}
template <int N>
PT_FN vec<int32_t, N> pow(vec<int32_t, N> x, vec<int32_t, N> y) {
  return integer_power(x, y);
}
template <int N>
PT_FN vec<int64_t, N> pow(vec<int64_t, N> x, vec<int64_t, N> y) {
  return integer_power(x, y);
}
template <int N>
PT_FN vec<uint64_t, N> pow(vec<uint64_t, N> x, vec<uint64_t, N> y) {
  return integer_power(x, y);
}

}  // namespace PT_ISA
}  // namespace pt
