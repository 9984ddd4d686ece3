// asin and acos. Up to 1/2 by a series in x^2, beyond by that of s = sqrt((1 - |x|) / 2), of which the angle is twice
// the arcsine away from a quarter turn. The rational function for double is fdlibm's (Sun Microsystems, 1993), the
// polynomial for float a Chebyshev fit of (asin(t) / t - 1) / t^2 in t^2.
#pragma once
#include "simd/arctangent.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct arcsine_facts;
template <>
struct arcsine_facts<float> {
  PT_NUMBERS(float, numerator, 0.166666731f, 0.0749880895f, 0.0450107008f, 0.0264942776f, 0.0382064507f);
};
template <>
struct arcsine_facts<double> {
  PT_NUMBERS(double, numerator, 1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01,
             -4.00555345006794114027e-02, 7.91534994289814532176e-04, 3.47933107596021167570e-05);
  PT_NUMBERS(double, denominator, 1.0, -2.40339491173441421878e+00, 2.02094576023350569471e+00,
             -6.88283971605453293030e-01, 7.70381505559019352791e-02);
};

// The arcsine of t, which is a, or s where a is large; of no number where a is above 1.
template <class V>
struct small_arcsine {
  typename V::mask_type large;
  V t, rest;  // it is t + rest
};
template <class V>
PT_FN small_arcsine<V> arcsine_of_small(V a) {
  using T = element_of<V>;
  auto large = a > V(T(0.5));
  V z = select(large, fma(a, V(T(-0.5)), V(T(0.5))), a * a);
  V t = select(large, sqrt(z), a);
  return {large, t, t * z * series<arcsine_facts>(z)};
}

template <class T, int N>
PT_FN vec<T, N> asin(vec<T, N> x) {
  using V = vec<T, N>;
  using F = arctangent_facts<T>;
  const auto small = arcsine_of_small(abs(x));
  V turned = V(F::half_pi) - (V(2) * small.t + fma(V(2), small.rest, V(-F::half_pi_low)));
  return copysign(select(small.large, turned, small.t + small.rest), x);
}
template <class T, int N>
PT_FN vec<T, N> acos(vec<T, N> x) {
  using V = vec<T, N>;
  using F = arctangent_facts<T>;
  const auto small = arcsine_of_small(abs(x));
  auto left = x < V(0);
  V twice = V(2) * small.t + V(2) * small.rest;
  V turned = select(left, V(2 * F::half_pi) - (twice - V(2 * F::half_pi_low)), twice);
  V t = select(left, -small.t, small.t), rest = select(left, -small.rest, small.rest);
  V upright = V(F::half_pi) - (t - (V(F::half_pi_low) - rest));
  return select(small.large, turned, upright);
}

}  // namespace PT_ISA
}  // namespace pt
