// exp and its relatives. x = n ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite, "Software Manual for the Elementary
// Functions", 1980), e^r by a minimax polynomial (Remez), 2^n through the exponent in two factors, so that denormal
// results round once. What a mask hides is e to the minus infinity: that 0 comes from a factor of 0 or a lane that is
// left out, since a product that underflows costs some processors 150 cycles.
#pragma once
#include "simd/float_facts.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct exp_facts;
template <>
struct exp_facts<float> {
  static constexpr float lowest = -176, highest = 89;  // beyond these a power of two is 0 and infinity
  static constexpr float n_least = -150;               // with less the result is 0 in any case
  static constexpr float log2_e = 0x1.715476p+0f;
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float ln2 = 0x1.62e430p-1f, ln2_lost = -0x1.05c610p-29f;  // rounded, and what that left out
  static constexpr float all_but_minus_one = -30;                            // expm1 below this is -1
  // (e^r - 1 - r) / r^2
  PT_NUMBERS(float, tail, 0.49999994f, 0.166665092f, 0.0416685268f, 0.00837013498f, 0.00138116919f);
};
template <>
struct exp_facts<double> {
  static constexpr double lowest = -1418, highest = 710;
  static constexpr double n_least = -1075;
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  static constexpr double ln2_high = 0x1.62e42fefa0000p-1, ln2_low = 0x1.cf79abc9e3b3ap-40;
  static constexpr double ln2 = 0x1.62e42fefa39efp-1, ln2_lost = 0x1.abc9e3b39803fp-56;
  static constexpr double all_but_minus_one = -60;
  PT_NUMBERS(double, tail, 0.5000000000000013, 0.16666666666666358, 0.041666666666507264, 0.008333333333521932,
             0.0013888888950407375, 0.00019841269464518057, 2.4801485456625977e-05, 2.755760842022657e-06,
             2.763315475194807e-07, 2.4997907023945234e-08);
};

// 2^n as a product of two powers, each of which is a normal number; both are 0 for n = -2 bias.
template <class V>
struct split_power {
  V first, second;
};
template <class V>
PT_FN split_power<V> power_of_two(bits_vec<V> n) {
  using T = element_of<V>;
  using F = float_facts<T>;
  bits_vec<V> biased = n + bits_vec<V>(2 * F::bias);
  bits_vec<V> half = shift_right(biased, 1);
  return {from_bits<T>(half << F::mantissa_bits), from_bits<T>((biased - half) << F::mantissa_bits)};
}

// x = n ln 2 + r + r_lost; `whole` is n too.
template <class V>
struct exp_reduced {
  bits_vec<V> n;
  V whole, r, r_lost;
};

template <class T>
inline constexpr bool kScales = requires(typename native<T>::reg r) {
  native<T>::scale(r, r, T());
};

// e 2^n for e about 1: exact but for the rounding of a denormal result.
template <class T, int N>
PT_FN vec<T, N> scale_by_power(vec<T, N> e, const exp_reduced<vec<T, N>>& x) {
  if constexpr (kScales<T>) {
    vec<T, N> scaled;
    PT_UNROLL for (int i = 0; i < e.parts; ++i) {
      scaled.part[i] = native<T>::scale(e.part[i], x.whole.part[i], exp_facts<T>::n_least);
    }
    return scaled;
  } else {
    auto scale = power_of_two<vec<T, N>>(x.n);
    return e * scale.first * scale.second;
  }
}
template <class V>
PT_FN exp_reduced<V> reduce_exp(V x) {
  using T = element_of<V>;
  using E = exp_facts<T>;
  const V shift(float_facts<T>::round_shift);
  V shifted = fma(x, V(E::log2_e), shift);
  V n = shifted - shift;
  V r_high = fma(n, V(-E::ln2_high), x);
  V r = fma(n, V(-E::ln2_low), r_high);
  return {to_bits(shifted) - to_bits(shift), n, r, fma(n, V(-E::ln2_low), r_high - r)};
}

// Within the limits; the order of the arguments lets a NaN through. Where lanes are left out, none is too low.
template <class V>
PT_FN V clamp_below(V x) {
  using T = element_of<V>;
  if constexpr (kScales<T>) return x;
  return greater_of(V(exp_facts<T>::lowest), x);
}
template <class V>
PT_FN V clamp_above(V x) {
  return lesser_of(V(exp_facts<element_of<V>>::highest), x);
}

template <class T, int N>
PT_FN vec<T, N> exp(vec<T, N> x) {
  using V = vec<T, N>;
  const auto reduced = reduce_exp(clamp_below(clamp_above(x)));
  V r = reduced.r;
  return scale_by_power(fma(r * r, polynomial(r, exp_facts<T>::tail), r) + V(1), reduced);
}

// e^(x + correction) for an x that is not above the limit and a correction far below 1, as of an ulp of x, which is
// many of the result's.
template <class T, int N>
PT_FN vec<T, N> exp_corrected(vec<T, N> x, vec<T, N> correction) {
  using V = vec<T, N>;
  const auto reduced = reduce_exp(clamp_below(x));
  V r = reduced.r + correction;
  V rest = correction - (r - reduced.r);
  return scale_by_power((fma(r * r, polynomial(r, exp_facts<T>::tail), rest) + r) + V(1), reduced);
}

// 2^x = 2^n e^((x - n) ln 2) for the whole n next to x, whose distance is exact.
template <class T, int N>
PT_FN vec<T, N> exp2(vec<T, N> x) {
  using V = vec<T, N>;
  using F = float_facts<T>;
  using E = exp_facts<T>;
  V bounded = lesser_of(V(T(F::bias + 2)), x);
  if constexpr (!kScales<T>) bounded = greater_of(V(T(-2 * F::bias)), bounded);
  const V shift(F::round_shift);
  const V shifted = bounded + shift, n = shifted - shift, part = bounded - n;
  const V r = part * V(E::ln2);
  const V lost = fma(part, V(E::ln2), V(0) - r) + part * V(E::ln2_lost);
  const V e = (fma(r * r, polynomial(r, E::tail), lost) + r) + V(1);
  return scale_by_power(e, exp_reduced<V>{to_bits(shifted) - to_bits(shift), n, r, lost});
}

// e^r - 1 scaled by 2^n, plus 2^n - 1; all by a half of that, because 2^n overflows before the result does.
template <class T, int N>
PT_FN vec<T, N> expm1(vec<T, N> x) {
  using V = vec<T, N>;
  using F = float_facts<T>;
  using E = exp_facts<T>;
  V clamped = greater_of(V(E::all_but_minus_one), lesser_of(V(E::highest), x));
  auto [n, whole, r, r_lost] = reduce_exp(clamped);
  V m = fma(r * r, polynomial(r, E::tail), r_lost) + r;
  V half_power = from_bits<T>((n + bits_vec<V>(F::bias - 1)) << F::mantissa_bits);
  V result = fma(m, half_power, half_power - V(T(0.5))) * V(2);
  // Halving would lose the lowest bit of a denormal, and the sign of zero.
  return select(abs(x) < V(F::min_normal * 4), x, result);
}

// With E = e^(2 |x|) - 1: E / (E + 2), and from 1/2 on 1 - 2 / (E + 2), whose error is smaller there. E has the bits of
// expm1, without what numbers below 0 and powers of two near overflow take: from the limit on the result is 1.
template <class T, int N>
PT_FN vec<T, N> tanh(vec<T, N> x) {
  using V = vec<T, N>;
  using F = float_facts<T>;
  const V limit(40);
  const auto [n, whole, r, r_lost] = reduce_exp(lesser_of(limit, abs(x) * V(2)));
  const V m = fma(r * r, polynomial(r, exp_facts<T>::tail), r_lost) + r;
  const V power = from_bits<T>((n + bits_vec<V>(F::bias)) << F::mantissa_bits);
  const V e = fma(m, power, power - V(1));
  auto small = e < V(2);
  V quotient = select(small, e, V(2)) / (e + V(2));
  return copysign(select(small, quotient, V(1) - quotient), x);
}

}  // namespace PT_ISA
}  // namespace pt
