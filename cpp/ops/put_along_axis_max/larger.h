// Which of two elements is the larger one, as stored.
#pragma once
#include "ops/fused/element.h"

namespace pt {
namespace PT_ISA {

template <class S>
constexpr bool is_real = typename S::value(0.5) != typename S::value(0);

// A NaN is larger than a number, and nothing is larger than a NaN.
template <class S>
PT_FN bool larger(typename S::memory a, typename S::memory b) {
  if constexpr (is_real<S>) {
    const typename S::value x = S::get(a), y = S::get(b);
    return x > y || (x != x && y == y);
  } else {
    return a > b;
  }
}

}  // namespace PT_ISA
}  // namespace pt
