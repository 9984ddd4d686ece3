// pow: e^(y log |x|), with the logarithm as an unevaluated sum of two doubles (T. J. Dekker, "A floating-point
// technique for extending the available precision", 1971), since an error in it is multiplied by y. For floats 2 to the
// y log2 |x|, with a sum of two floats.
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

// Of a zero or infinite a, or an infinite power: 0 or infinity, or 1 for a = 1.
template <class V>
PT_FN V power_limit(V a, V y) {
  const V infinity(float_facts<element_of<V>>::infinity);
  auto grows = (a > V(1)) ^ (y < V(0));
  return select(a == V(1), V(1), select(grows, infinity, V(0)));
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
  return select(ordinary, result, power_limit(a, y));
}

template <int N>
PT_FN vec<double, N> pow(vec<double, N> x, vec<double, N> y) {
  return simple_power(x, y, [&] { return power_edges(x, y, power_of_magnitude(x, y)); });
}

// The powers that people write most, by the operations that they stand for; `other` has the rest. Each element has its
// own power, so which neighbours it has changes no bit.
template <class V, class Other>
PT_FN V simple_power(V x, V y, Other other) {
  const auto squared = y == V(2);
  if (all(squared)) return x * x;
  const auto cubed = y == V(3), root = y == V(0.5), inverse = y == V(-1), same = y == V(1);
  const auto simple = squared | cubed | root | inverse | same;
  if (!any(simple)) return other();
  const V infinity(float_facts<element_of<V>>::infinity);
  V result = select(same, x, x * x);
  result = select(cubed, x * x * x, result);
  result = select(inverse, V(1) / x, result);
  // Of -0 and -infinity C's pow has 0 and infinity.
  result = select(root, select(x == -infinity, infinity, sqrt(x + V(0))), result);
  return all(simple) ? result : select(simple, result, other());
}

// For floats log2 x is an unevaluated sum of two: x = 2^k m, and with the inverse c of one of eight numbers near m the
// rest r = c m - 1 is exact and below 1/16. The logarithm of 1 / c is exact in its first part, with k too.
struct float_power {
  PT_NUMBERS(float, cubic, 0.333333343f, -0.249999106f, 0.199992821f, -0.167370081f, 0.144479498f);  // log(1 + r)
  PT_NUMBERS(float, power, 0.693147182f, 0.240226477f, 0.0555035993f, 0.00961850584f, 0.00133908063f,
             0.000153264627f);  // (2^f - 1) / f
  static constexpr float log2_e = 0x1.715476p+0f, log2_e_low = 1.92596299e-08f;
  static constexpr float large = 0x1p40f;               // a y from which on x^y is 0, 1 or infinite
  static constexpr float lowest = -160, highest = 130;  // beyond these 2^p is 0 and infinity
};
// Rows: c; its logarithm in two parts.
PT_TABLE float kInverses[3][8] = {
    {1.375f, 1.25f, 1.1875f, 1.0625f, 1, 0.90625f, 0.8125f, 0.75f},
    {-0.45942688f, -0.321929932f, -0.247924805f, -0.0874633789f, 0, 0.14201355f, 0.299560547f, 0.415039062f},
    {-4.73875448e-06f, 1.83675326e-06f, -2.70875609e-06f, 5.37655911e-07f, 0, 5.45506774e-06f, -2.65016092e-07f,
     -1.56322116e-06f}};

// log2 x + added of a normal x, to about 2^-33 of it.
template <int N>
PT_FN two_sum<vec<float, N>> log2_in_two(vec<float, N> x, vec<float, N> added) {
  using V = vec<float, N>;
  using P = float_power;
  auto [k, m] = split_float(x);
  auto place =
      shift_right(to_bits(m) - bits_vec<V>(log_facts<float>::sqrt_half), float_facts<float>::mantissa_bits - 3);
  V r = fma(m, pick(kInverses[0], place), V(-1));
  V whole = (small_int_to_float<V>(k) + added) + pick(kInverses[1], place);
  // r - r^2 / 2, and what rounding drops from it, with the terms behind.
  V half = V(-0.5f) * r, start = fma(half, r, r);
  V rest = fma(r * r * r, polynomial(r, P::cubic), fma(half, r, r - start));
  V main = start * V(P::log2_e);
  V low = fma(start, V(P::log2_e), -main);
  low = fma(rest, V(P::log2_e), fma(start, V(P::log2_e_low), low));
  auto sum = exact_sum(whole, main);
  return {sum.high, sum.low + (low + pick(kInverses[2], place))};
}

// 2^(y (log2 x + added)) for a normal x and |y| <= large.
template <int N>
PT_FN vec<float, N> power_of_normal(vec<float, N> x, vec<float, N> y, vec<float, N> added) {
  using V = vec<float, N>;
  using P = float_power;
  const auto log_x = log2_in_two(x, added);
  auto product = exact_product(y, log_x.high);
  V low = fma(y, log_x.low, product.low);
  V bounded = greater_of(V(P::lowest), lesser_of(V(P::highest), product.high));
  const V shift(float_facts<float>::round_shift);
  V shifted = bounded + shift, whole = shifted - shift;
  V f = greater_of(V(-1), lesser_of(V(1), (bounded - whole) + low));
  const exp_reduced<V> reduced = {to_bits(shifted) - to_bits(shift), whole, f, V(0)};
  return scale_by_power(fma(f, polynomial(f, P::power), V(1)), reduced);
}

template <int N>
PT_FN vec<float, N> any_power(vec<float, N> x, vec<float, N> y) {
  using V = vec<float, N>;
  using F = float_facts<float>;
  const V infinity(F::infinity), large(float_power::large);
  const bool unusual = !all((x >= V(F::min_normal)) & (x < infinity) & (abs(y) < large));
  if (!__builtin_expect(unusual, 0)) return power_of_normal(x, y, V(0));
  V a = abs(x);
  auto ordinary = (a > V(0)) & (a < infinity) & (abs(y) < infinity);
  auto denormal = ordinary & (a < V(F::min_normal));
  V scaled = select(denormal, a * V(0x1p24f), select(ordinary, a, V(1)));
  V result = power_of_normal(scaled, greater_of(-large, lesser_of(large, y)), select(denormal, V(-24), V(0)));
  return power_edges(x, y, select(ordinary, result, power_limit(a, y)));
}

template <int N>
PT_FN vec<float, N> pow(vec<float, N> x, vec<float, N> y) {
  return simple_power(x, y, [&] { return any_power(x, y); });
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
