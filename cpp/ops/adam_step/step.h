// What Adam makes of one vector of elements, on every device. Each operation rounds as its own op does.
#pragma once
#include "ops/adam_step/desc.h"
#include "ops/flush_denormals/math.h"
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

template <class V>
struct AdamNumbers {
  V beta1, new1, beta2, new2, eps, decay, size, unbias, kept, factor;

  PT_FN AdamNumbers(const AdamDesc& d, char* const* data)
      : beta1(number(d.beta1)),
        new1(number(1 - d.beta1)),
        beta2(number(d.beta2)),
        new2(number(1 - d.beta2)),
        eps(number(d.eps)),
        decay(number(d.decay)),
        size(given(data[kSize])),
        unbias(given(data[kUnbias])),
        kept(d.kept ? given(data[kKept]) : V(1)),  // times 1 changes no bit
        factor(d.factor ? given(data[kFactor]) : V(1)) {}

 private:
  static PT_FN V number(double value) { return V(static_cast<element_of<V>>(value)); }
  static PT_FN V given(const char* at) { return V(*reinterpret_cast<const element_of<V>*>(at)); }
};

template <class V>
struct AdamState {
  V p, mean, square, largest;
};

template <bool kAddsDecay, bool kKeepsLargest, class V>
PT_FN AdamState<V> adam_step(const AdamNumbers<V>& n, AdamState<V> s, V g) {
  g = g * n.factor;
  s.p = s.p * n.kept;
  if constexpr (kAddsDecay) g = g + s.p * n.decay;
  s.mean = flush_denormals(s.mean * n.beta1 + g * n.new1);
  s.square = flush_denormals(s.square * n.beta2 + g * g * n.new2);
  V root = s.square;
  if constexpr (kKeepsLargest) {
    root = s.largest = propagating_max(s.largest, s.square);
  }
  s.p = s.p - n.size * (s.mean / (sqrt(root) * n.unbias + n.eps));
  return s;
}

}  // namespace PT_ISA
}  // namespace pt
