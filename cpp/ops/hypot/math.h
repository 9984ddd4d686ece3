// sqrt(a^2 + b^2), scaled by a power of two where squares would overflow or vanish.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct hypot_facts;
template <>
struct hypot_facts<float> {
  static constexpr float large = 0x1p60f, down = 0x1p-100f, up = 0x1p100f;
};
template <>
struct hypot_facts<double> {
  static constexpr double large = 0x1p500, down = 0x1p-700, up = 0x1p700;
};

template <class V>
PT_FN V hypot(V a, V b) {
  using T = element_of<V>;
  using H = hypot_facts<T>;
  const V infinity(float_facts<T>::infinity);
  V x = abs(a), y = abs(b);
  V top = greater_of(x, y), low = lesser_of(y, x);  // a NaN stays in one of them
  auto large = top > V(H::large), small = top < V(1 / H::large);
  V scale = select(large, V(H::down), select(small, V(H::up), V(1)));
  V back = select(large, V(H::up), select(small, V(H::down), V(1)));
  top = top * scale, low = low * scale;
  V length = sqrt(fma(top, top, low * low)) * back;
  return select((x == infinity) | (y == infinity), infinity, length);
}

PT_MATH(hypot, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
