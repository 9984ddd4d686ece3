// Every formula as a loop over blocks: one table per class of arguments, rows in the order of math_ops.inc.
#pragma once
#include "ops/fused/desc.h"
#include "simd/formula.h"
#include "simd/unsigned.h"
#include "simd/wide_masks.h"

namespace pt {
namespace PT_ISA {

// n is a multiple of kFusedLanes; bit i of steps: argument i advances, otherwise it is one vector of equal lanes.
using MathFn = void (*)(char* dst, const char* a, const char* b, const char* c, int64_t n, unsigned steps);

extern const MathFn kMathF32[] __attribute__((visibility("hidden")));
extern const MathFn kMathF64[] __attribute__((visibility("hidden")));
extern const MathFn kMathI32[] __attribute__((visibility("hidden")));
extern const MathFn kMathI64[] __attribute__((visibility("hidden")));
extern const MathFn kMathU64[] __attribute__((visibility("hidden")));
extern const MathFn kMathBool[] __attribute__((visibility("hidden")));

// How many of some lanes are computed at a time: where a register has one, sixteen copies of each formula would be a
// megabyte of code that is no faster.
template <class T>
constexpr int some_lanes(int lanes) {
  return native<T>::lanes == 1 ? 1 : lanes;
}

template <class V>
struct block_lane;
template <class T, int N>
struct block_lane<vec<T, N>> {
  static constexpr int bytes = sizeof(T) * N;
  static constexpr bool is_mask = false;
  static PT_FN vec<T, N> get(const char* p) { return vec<T, N>::load(reinterpret_cast<const T*>(p)); }
  static PT_FN void put(char* p, vec<T, N> v) { store(reinterpret_cast<T*>(p), v); }
};
template <int kBytes, int N>
struct block_lane<mask<kBytes, N>> {
  static constexpr int bytes = N;
  static constexpr bool is_mask = true;
  static PT_FN mask<kBytes, N> get(const char* p) { return mask<kBytes, N>::load(reinterpret_cast<const uint8_t*>(p)); }
  static PT_FN void put(char* p, mask<kBytes, N> v) { store(reinterpret_cast<uint8_t*>(p), v); }
};

template <bool kMaskFirst, class V>
struct first_argument {
  using type = V;
};
template <class V>
struct first_argument<true, V> {
  using type = mask_of<V>;
};

// The formula of the next elements of each argument.
template <class F, class V>
PT_FN auto math_of(const char* a, const char* b, const char* c) {
  using First = block_lane<typename first_argument<F::first_is_mask, V>::type>;
  using Rest = block_lane<V>;
  if constexpr (F::n_args == 1)
    return F::apply(First::get(a));
  else if constexpr (F::n_args == 2)
    return F::apply(First::get(a), Rest::get(b));
  else
    return F::apply(First::get(a), Rest::get(b), Rest::get(c));
}

// A long formula is one chain of operations, each of which waits for the one before: four chains side by side keep the
// units busy, where there are registers for them.
template <class F, class V>
struct side_by_side {
  static constexpr bool pays = false;
};
#if defined(PT_ISA_avx512)
template <class F, int N>
struct side_by_side<F, vec<float, N>> {
  using vector = vec<float, 4 * N>;
  static constexpr unsigned all_advance = (1u << F::n_args) - 1;
  static constexpr bool pays = F::is_long;
};
#endif
// Masks alone: a register has those of four vectors.
#if defined(PT_WIDE_MASKS)
template <class F, int N>
struct side_by_side<F, mask<4, N>> {
  using vector = mask<1, 4 * N>;
  static constexpr unsigned all_advance = (1u << F::n_args) - 1;
  static constexpr bool pays = true;
};
#endif

template <class F, class V>
void math_loop(char* dst, const char* a, const char* b, const char* c, int64_t n, unsigned steps) {
  using First = block_lane<typename first_argument<F::first_is_mask, V>::type>;
  using Rest = block_lane<V>;
  using Result = block_lane<decltype(math_of<F, V>(a, b, c))>;
  int64_t i = 0;
  if constexpr (side_by_side<F, V>::pays) {
    using Wide = typename side_by_side<F, V>::vector;
    constexpr int64_t kTimes = Wide::lanes / V::lanes;
    if ((steps & side_by_side<F, V>::all_advance) == side_by_side<F, V>::all_advance) {
      for (; i + Wide::lanes <= n; i += Wide::lanes) {
        block_lane<Wide>::put(dst, math_of<F, Wide>(a, b, c));
        dst += kTimes * Result::bytes;
        a += kTimes * First::bytes;
        if constexpr (F::n_args > 1) b += kTimes * Rest::bytes;
        if constexpr (F::n_args > 2) c += kTimes * Rest::bytes;
      }
    }
  }
  const int64_t step_a = steps & 1 ? First::bytes : 0;
  const int64_t step_b = steps & 2 ? Rest::bytes : 0;
  const int64_t step_c = steps & 4 ? Rest::bytes : 0;
  for (; i < n; i += V::lanes) {
    Result::put(dst, math_of<F, V>(a, b, c));
    dst += Result::bytes;
    a += step_a;
    b += step_b;
    c += step_c;
  }
}

template <class F, class V, FusedClass kClass>
constexpr MathFn math_entry() {
  if constexpr ((F::takes >> int(kClass)) & 1)
    return &math_loop<F, V>;
  else
    return nullptr;
}

}  // namespace PT_ISA
}  // namespace pt

#include "math_headers.inc"
