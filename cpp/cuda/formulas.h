// The CPU's formulas for single numbers, with its bits.
#pragma once
#include "cuda/kernel.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace pt::cuda {

template <class T>
using one = pt::PT_ISA::vec<T, 1>;

template <class T>
PT_DEVICE T exp_of(T x) {
  return pt::PT_ISA::exp(one<T>(x)).part[0];
}
template <class T>
PT_DEVICE T log_of(T x) {
  return pt::PT_ISA::log(one<T>(x)).part[0];
}

}  // namespace pt::cuda
