// The neighbour in the order of the bits: away from zero one more, towards zero one less.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V nextafter(V x, V y) {
  using T = element_of<V>;
  using Bits = decltype(to_bits(x));
  auto away = (y > x) == (x > V(0));
  V next = from_bits<T>(to_bits(x) + select(away, Bits(1), Bits(-1)));
  next = select(x == V(0), copysign(from_bits<T>(Bits(1)), y), next);
  return select(x == y, y, select((x != x) | (y != y), x + y, next));
}

PT_MATH(nextafter, 2, Float);

}  // namespace PT_ISA
}  // namespace pt
