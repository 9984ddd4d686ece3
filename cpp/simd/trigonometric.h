// sin, cos and tan: x = q pi / 2 + r with |r| <= pi / 4, with pi / 2 in three parts (Cody and Waite, 1980); for huge
// arguments by Payne and Hanek, "Radian reduction for trigonometric functions" (1983), in integers and one lane at a
// time. The polynomials are fdlibm's (Sun Microsystems, 1993) and, for float, Cephes' (S. Moshier); that of the tangent
// a Chebyshev fit of (tan(r) / r - 1) / r^2 in r^2.
#pragma once
#include "simd/float_facts.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct trig_facts;
template <>
struct trig_facts<float> {
  static constexpr float huge = 30000;  // above it the three parts are too few
  static constexpr float two_over_pi = 0x1.45f306p-1f;
  static constexpr float part0 = 0x1.921fb6p+0f, part1 = -0x1.777a5cp-25f, part2 = -0x1.ee59dap-50f;
  PT_NUMBERS(float, sine, -1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f);
  PT_NUMBERS(float, cosine, 4.166664568298827e-2f, -1.388731625493765e-3f, 2.443315711809948e-5f);
  PT_NUMBERS(float, tangent, 0.333333343f, 0.133332253f, 0.0539956242f, 0.0216129981f, 0.00998783484f, 0.00114797428f,
             0.00386347598f);
};
template <>
struct trig_facts<double> {
  static constexpr double huge = 1e6;
  static constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
  static constexpr double part0 = 0x1.921fb54442d18p+0, part1 = 0x1.1a62633145c07p-54, part2 = -0x1.f1976b7ed8fbcp-110;
  PT_NUMBERS(double, sine, -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
             2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10);
  PT_NUMBERS(double, cosine, 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
             -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11);
};

// The bits of 2 / pi behind the point, after one word of zeros.
PT_TABLE uint64_t kTwoOverPi[] = {0,
                                  0xa2f9836e4e441529,
                                  0xfc2757d1f534ddc0,
                                  0xdb6295993c439041,
                                  0xfe5163abdebbc561,
                                  0xb7246e3a424dd2e0,
                                  0x06492eea09d1921c,
                                  0xfe1deb1cb129a73e,
                                  0xe88235f52ebb4484,
                                  0xe99c7026b45f7e41,
                                  0x3991d639835339f4,
                                  0x9c845f8bbdf9283b,
                                  0x1ff897ffde05980f,
                                  0xef2f118b5a0a6d1f,
                                  0x6d367ecf27cb09b7,
                                  0x4f463f669e5fea2d,
                                  0x7527bac7ebe5f17b,
                                  0x3d0739f78a5292ea,
                                  0x6bfb5fb11f8d5d08,
                                  0x56033046fc7b6bab,
                                  0xf0cfbc209af4361d};

// 64 bits of 2 / pi from bit `first` of the table on.
PT_FN uint64_t two_over_pi_bits(int first) {
  const int word = first / 64, shift = first % 64;
  return shift == 0 ? kTwoOverPi[word] : kTwoOverPi[word] << shift | kTwoOverPi[word + 1] >> (64 - shift);
}

// |x| = q pi / 2 + r for |x| >= 2^14: x is an integer times 2^e, and of 2 / pi only the bits matter whose product with
// it is below 4 and not far below 1.
struct huge_reduction {
  double r;
  int64_t quadrant;
};
PT_RARE huge_reduction reduce_huge(double x) {
  const int64_t bits = bit_cast<int64_t>(x) & INT64_MAX;
  const int e = int(bits >> 52) - 1075;
  const uint64_t m = uint64_t(bits & 0xfffffffffffff) | 1ull << 52;
  const int first = 64 + e - 2;  // of the table's bits: the first whose product is below 4
  const uint64_t high = two_over_pi_bits(first), middle = two_over_pi_bits(first + 64),
                 low = two_over_pi_bits(first + 128);
  // The lowest 192 bits of the product: two for the quadrant, the others for the fraction.
  const uint64_t from_low = high_product(m, low), middle_product = m * middle;
  uint64_t value_low = middle_product + from_low;
  const uint64_t top = m * high + high_product(m, middle) + (value_low < from_low);
  int64_t quadrant = int64_t(top >> 62);
  uint64_t value_high = top << 2 | value_low >> 62;
  value_low <<= 2;
  const bool upper_half = value_high >> 63;
  if (upper_half) {
    ++quadrant;
    value_low = 0 - value_low;
    value_high = ~value_high + (value_low == 0);
  }
  if (value_high == 0 && value_low == 0) return {0, quadrant & 3};
  // The leading 64 bits, in two parts, times pi / 2.
  const int zeros = value_high ? leading_zeros(value_high) : 64 + leading_zeros(value_low);
  const uint64_t leading = zeros >= 64  ? value_low << (zeros - 64)
                           : zeros == 0 ? value_high
                                        : value_high << zeros | value_low >> (64 - zeros);
  const double scale = bit_cast<double>(int64_t(1023 - 64 - zeros) << 52);
  const double upper = double(leading >> 11) * 2048, lower = double(leading & 2047);
  const double product = upper * 0x1.921fb54442d18p+0;
  const double rest =
      PT_PLAIN(fma)(upper, 0x1.921fb54442d18p+0, -product) + upper * 0x1.1a62633145c07p-54 + lower * 1.57;
  const double r = (product + rest) * scale;
  return {upper_half ? -r : r, quadrant & 3};
}

template <class V>
struct trig_reduced {
  V r;
  bits_vec<V> quadrant;
};
template <class V>
PT_FN trig_reduced<V> reduce_trig(V x) {
  using T = element_of<V>;
  using F = trig_facts<T>;
  using Bits = typename lane_of<sizeof(T)>::type;
  const V shift(float_facts<T>::round_shift);
  V shifted = fma(x, V(F::two_over_pi), shift);
  V n = shifted - shift;
  V r = fma(n, V(-F::part0), x);
  r = fma(n, V(-F::part1), r);
  r = fma(n, V(-F::part2), r);
  bits_vec<V> quadrant = to_bits(shifted) - to_bits(shift);
  auto huge = (abs(x) > V(F::huge)) & (abs(x) < V(float_facts<T>::infinity));
  if (__builtin_expect(any(huge), 0)) {
    T x_lane[V::lanes], r_lane[V::lanes];
    Bits quadrant_lane[V::lanes];
    store(x_lane, x);
    store(r_lane, r);
    store(quadrant_lane, quadrant);
    for (int i = 0; i < V::lanes; ++i) {
      const T magnitude = x_lane[i] < 0 ? -x_lane[i] : x_lane[i];
      if (!(magnitude > F::huge && magnitude < float_facts<T>::infinity)) continue;
      const huge_reduction reduced = reduce_huge(double(magnitude));
      r_lane[i] = T(x_lane[i] < 0 ? -reduced.r : reduced.r);
      quadrant_lane[i] = Bits(x_lane[i] < 0 ? -reduced.quadrant : reduced.quadrant);
    }
    r = V::load(r_lane);
    quadrant = bits_vec<V>::load(quadrant_lane);
  }
  // Infinity has no sine; its reduction would otherwise depend on the order of infinities above.
  return {select(abs(x) < V(float_facts<T>::infinity), r, V(float_facts<T>::nan)), quadrant};
}

// sin r and cos r.
template <class V>
PT_FN V sine_of_reduced(V r) {
  V z = r * r;
  return fma(r * z, polynomial(z, trig_facts<element_of<V>>::sine), r);
}
template <class V>
PT_FN V cosine_of_reduced(V r) {
  using T = element_of<V>;
  V z = r * r, half = V(T(0.5)) * z, w = V(1) - half;
  return w + fma(z * z, polynomial(z, trig_facts<T>::cosine), (V(1) - w) - half);
}

// sin(x + offset * pi / 2).
template <class V>
PT_FN V sine_of_quadrant(V x, int offset) {
  using T = element_of<V>;
  using B = bits_vec<V>;
  constexpr int to_sign = 8 * int(sizeof(T)) - 2;
  auto [r, quadrant] = reduce_trig(x);
  quadrant = quadrant + B(offset);
  V y = select((quadrant & B(1)) == B(0), sine_of_reduced(r), cosine_of_reduced(r));
  return from_bits<T>(to_bits(y) ^ ((quadrant & B(2)) << to_sign));
}

// tan r as over / below, of which one may be 1.
template <class V>
struct tangent_parts {
  V over, below;
};
template <int N>
PT_FN tangent_parts<vec<float, N>> tangent_of_reduced(vec<float, N> r) {
  vec<float, N> z = r * r;
  return {fma(r * z, polynomial(z, trig_facts<float>::tangent), r), vec<float, N>(1)};
}
template <int N>
PT_FN tangent_parts<vec<double, N>> tangent_of_reduced(vec<double, N> r) {
  return {sine_of_reduced(r), cosine_of_reduced(r)};
}

template <class T, int N>
PT_FN vec<T, N> sin(vec<T, N> x) {
  // The additions of the reduction would lose the sign of zero.
  return select(x == vec<T, N>(0), x, sine_of_quadrant(x, 0));
}
template <class T, int N>
PT_FN vec<T, N> cos(vec<T, N> x) {
  return sine_of_quadrant(x, 1);
}
template <class T, int N>
PT_FN vec<T, N> tan(vec<T, N> x) {
  using V = vec<T, N>;
  using B = bits_vec<V>;
  auto [r, quadrant] = reduce_trig(x);
  const auto tangent = tangent_of_reduced(r);
  auto turned = (quadrant & B(1)) != B(0);  // -1 / tan r
  V quotient = select(turned, -tangent.below, tangent.over) / select(turned, tangent.over, tangent.below);
  return select(x == V(0), x, quotient);
}

}  // namespace PT_ISA
}  // namespace pt
