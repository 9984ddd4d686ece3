// atan and atan2. |x| is brought to at most 0.66 by atan(x) = pi/2 - atan(1/x) and pi/4 + atan((x - 1) / (x + 1)); the
// rational function for double is Cephes' (S. Moshier), the polynomial for float a Chebyshev fit of (atan(t) / t - 1) /
// t^2 in t^2 on that interval.
#pragma once
#include "simd/float_facts.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct arctangent_facts;
template <>
struct arctangent_facts<float> {
  static constexpr float half_pi = 0x1.921fb6p+0f, half_pi_low = -0x1.777a5cp-25f;
  PT_NUMBERS(float, numerator, -0.3333321809768677f, 0.19994720816612244f, -0.14203733205795288f, 0.1050814688205719f,
             -0.06720489263534546f, 0.02475668676197529f);
};
template <>
struct arctangent_facts<double> {
  static constexpr double half_pi = 0x1.921fb54442d18p+0, half_pi_low = 0x1.1a62633145c07p-54;
  PT_NUMBERS(double, numerator, -6.485021904942025371773e1, -1.228866684490136173410e2, -7.500855792314704667340e1,
             -1.615753718733365076637e1, -8.750608600031904122785e-1);
  PT_NUMBERS(double, denominator, 1.945506571482613964425e2, 4.853903996359136964868e2, 4.328810604912902668951e2,
             1.650270098316988542046e2, 2.485846490142306297962e1, 1.0);
};

// What such facts make of z: a polynomial of floats, a quotient of two of doubles.
template <template <class> class Facts, class V>
PT_FN V series(V z) {
  using F = Facts<element_of<V>>;
  if constexpr (sizeof(element_of<V>) == sizeof(float)) {
    return polynomial(z, F::numerator);
  } else {
    return polynomial(z, F::numerator) / polynomial(z, F::denominator);
  }
}

// For x >= 0, infinity too.
template <class V>
PT_FN V positive_arctangent(V x) {
  using T = element_of<V>;
  using F = arctangent_facts<T>;
  auto large = x > V(T(2.414213562373095)), middle = x > V(T(0.66));
  V t = select(large, V(-1), select(middle, x - V(1), x)) / select(large, x, select(middle, x + V(1), V(1)));
  V high = select(large, V(F::half_pi), select(middle, V(F::half_pi / 2), V(0)));
  V low = select(large, V(F::half_pi_low), select(middle, V(F::half_pi_low / 2), V(0)));
  V z = t * t;
  return high + (t + fma(z * t, series<arctangent_facts>(z), low));
}

template <class T, int N>
PT_FN vec<T, N> atan(vec<T, N> x) {
  using V = vec<T, N>;
  V result = copysign(positive_arctangent(abs(x)), x);
  return select(x != x, x, result);
}

// The angle of the point (x, y); signs of zero count, as in C.
template <class T, int N>
PT_FN vec<T, N> atan2(vec<T, N> y, vec<T, N> x) {
  using V = vec<T, N>;
  using F = arctangent_facts<T>;
  V a = abs(y), b = abs(x);
  // 0 / 0 is an angle of 0, infinity / infinity one of pi / 4.
  V quotient = select(a == b, select(a == V(0), V(0), V(1)), a / b);
  V angle = positive_arctangent(quotient);
  auto left = to_bits(x) < bits_vec<V>(0);
  angle = select(left, V(2 * F::half_pi) - (angle - V(2 * F::half_pi_low)), angle);
  return select((x != x) | (y != y), x + y, copysign(angle, y));
}

}  // namespace PT_ISA
}  // namespace pt
