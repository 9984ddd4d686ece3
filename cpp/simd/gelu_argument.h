// The argument of the sigmoid in the tanh form of GELU: w = 2 sqrt(2 / pi) (x + 0.044715 x^3), with what rounding drops
// from it, because an error in w is multiplied by |w| in the result.
#pragma once
#include "simd/exponential.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct gelu_facts;  // 2 sqrt(2 / pi) and 0.044715 times that, each in two parts
template <>
struct gelu_facts<float> {
  // The first part has so few bits that a polynomial less it is exact.
  static constexpr float linear = 0x1.988p+0f, linear_low = 6.59966e-05f;
  static constexpr float cubic = 0.0713548139f, cubic_low = 2.39883247e-09f;
};
template <>
struct gelu_facts<double> {
  static constexpr double linear = 0x1.9884533d43p+0, linear_low = 3.589464330756845e-13;
  static constexpr double cubic = 0.07135481627260025, cubic_low = -6.175149918155315e-19;
};

// s = sigmoid(w) as numerator / denominator, and the numerator of 1 - s; the derivative of w.
template <class V>
struct gelu_sigmoid_parts {
  V above, below, complement, slope;
};
template <class V>
PT_FN gelu_sigmoid_parts<V> gelu_sigmoid(V x) {
  using G = gelu_facts<element_of<V>>;
  // Beyond 60 the sigmoid is 0 or 1; squares of larger numbers would overflow.
  V size = lesser_of(V(60), abs(x));
  V square = size * size;
  V square_low = fma(size, size, -square);
  // -|w| / |x|, and what rounding dropped from it.
  V p = fma(square, V(-G::cubic), V(-G::linear));
  V p_low = fma(square, V(-G::cubic), -(p + V(G::linear)));
  p_low = p_low + fma(square, V(-G::cubic_low), fma(square_low, V(-G::cubic), V(-G::linear_low)));
  V w = size * p;
  V w_low = fma(size, p_low, fma(size, p, -w));
  V t = exp_corrected(w, w_low);
  auto negative = x < V(0);
  V slope = fma(square, V(3 * G::cubic), V(G::linear + G::linear_low));
  return {select(negative, t, V(1)), V(1) + t, select(negative, V(1), t), slope};
}

}  // namespace PT_ISA
}  // namespace pt
