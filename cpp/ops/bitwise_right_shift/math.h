// A count outside the width of the register leaves the sign alone, as in NumPy; in C it is undefined.
#pragma once
#include "simd/formula.h"
#include "simd/math.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V bitwise_right_shift(V x, V y) {
  using T = element_of<V>;
  constexpr T width = 8 * sizeof(T);
  return each_lane(x, y, [](T a, T b) {
    if (b < 0 || b >= width) return a < 0 ? T(-1) : T(0);
    return T(a >> b);
  });
}

PT_MATH(bitwise_right_shift, 2, Int);

}  // namespace PT_ISA
}  // namespace pt
