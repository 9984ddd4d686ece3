// Roundings of integers, which are whole as they are.
#pragma once
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

#define PT_WHOLE(op)                              \
  template <int N>                                \
  PT_FN vec<int32_t, N> op(vec<int32_t, N> x) {   \
    return x;                                     \
  }                                               \
  template <int N>                                \
  PT_FN vec<int64_t, N> op(vec<int64_t, N> x) {   \
    return x;                                     \
  }                                               \
  template <int N>                                \
  PT_FN vec<uint64_t, N> op(vec<uint64_t, N> x) { \
    return x;                                     \
  }

}  // namespace PT_ISA
}  // namespace pt
