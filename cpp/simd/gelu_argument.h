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
  static constexpr float linear = 1.59576917f, linear_low = -4.53406805e-08f;
  static constexpr float cubic = 0.0713548139f, cubic_low = 2.39883247e-09f;
};
template <>
struct gelu_facts<double> {
  static constexpr double linear = 1.5957691216057308, linear_low = -9.96930880911092e-17;
  static constexpr double cubic = 0.07135481627260025, cubic_low = -6.175149918155315e-19;
};

// s = sigmoid(w) as numerator / denominator, and the numerator of 1 - s; the derivative of w.
template <class V>
struct gelu_sigmoid_parts {
  V above, below, complement, slope;
};
template <class V>
PT_FN gelu_sigmoid_parts<V> gelu_sigmoid(V unbounded) {
  using G = gelu_facts<element_of<V>>;
  // Beyond 60 the sigmoid is 0 or 1; squares of larger numbers would overflow.
  V x = greater_of(V(-60), lesser_of(V(60), unbounded));
  V square = x * x;
  V square_low = fma(x, x, -square);
  V product = square * V(G::cubic);
  V product_low = fma(square, V(G::cubic), -product);
  // Knuth's exact sum: either part may be the larger.
  V p = product + V(G::linear);
  V share = p - product;
  V p_low = (product - (p - share)) + (V(G::linear) - share);
  p_low = (p_low + product_low) + fma(square, V(G::cubic_low), fma(square_low, V(G::cubic), V(G::linear_low)));
  V w = x * p;
  V w_low = fma(x, p_low, fma(x, p, -w));
  auto negative = x < V(0);
  V t = exp_corrected(-abs(w), select(negative, w_low, -w_low));
  V slope = fma(square, V(3 * G::cubic), V(G::linear));
  return {select(negative, t, V(1)), V(1) + t, select(negative, V(1), t), slope};
}

}  // namespace PT_ISA
}  // namespace pt
