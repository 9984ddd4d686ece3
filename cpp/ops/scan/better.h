#pragma once
#include "ops/fused/element.h"
#include "ops/scan/desc.h"

namespace pt {
namespace PT_ISA {

// Whether x takes the place of the best so far: NaN counts as the largest, and as the smallest, and the last of equal
// elements is named.
template <class T>
PT_FN bool takes_over(T x, T best, bool largest) {
  return x != x || ((largest ? x >= best : x <= best) && best == best);
}

}  // namespace PT_ISA
}  // namespace pt
