// The canonical order of a reduction along a row: blocks of kSumBlock elements; in a block element i goes to lane i %
// 64, lanes combine as a fixed tree; block results combine pairwise, as a binary counter does. Maximum and minimum use
// the same order, because of the sign of zero and the payload of a NaN.
#pragma once
#include "ops/fused/desc.h"
#include "simd/unsigned.h"

namespace pt {
namespace PT_ISA {

template <class T>
constexpr T lowest() {
  if constexpr (T(0.5) != T(0))
    return -T(__builtin_inff());
  else if constexpr (T(-1) > T(0))
    return 0;
  else
    return T(T(1) << (8 * sizeof(T) - 1));
}
template <class T>
constexpr T highest() {
  if constexpr (T(0.5) != T(0))
    return T(__builtin_inff());
  else
    return T(~lowest<T>());
}

// Integers wrap in unsigned arithmetic.
PT_FN float plus(float a, float b) { return a + b; }
PT_FN double plus(double a, double b) { return a + b; }
PT_FN int32_t plus(int32_t a, int32_t b) { return int32_t(uint32_t(a) + uint32_t(b)); }
PT_FN int64_t plus(int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); }
PT_FN uint64_t plus(uint64_t a, uint64_t b) { return a + b; }

struct ReduceSum {
  template <class T>
  static constexpr T identity() {
    return T(0);
  }
  template <class T>
  static PT_FN T one(T a, T b) {
    return plus(a, b);
  }
  template <class V>
  static PT_FN V all(V a, V b) {
    return a + b;
  }
};
struct ReduceMax {
  template <class T>
  static constexpr T identity() {
    return lowest<T>();
  }
  template <class T>
  static PT_FN T one(T a, T b) {
    return a != a ? a : a > b ? a : b;
  }
  template <class V>
  static PT_FN V all(V a, V b) {
    return propagating_max(a, b);
  }
};
struct ReduceMin {
  template <class T>
  static constexpr T identity() {
    return highest<T>();
  }
  template <class T>
  static PT_FN T one(T a, T b) {
    return a != a ? a : a < b ? a : b;
  }
  template <class V>
  static PT_FN V all(V a, V b) {
    return propagating_min(a, b);
  }
};

// Half of the lanes at a time, so that the accumulators of doubles stay in registers too.
template <class Op, class T>
PT_FN void add_to_lanes(T* lanes, const T* p, int64_t n) {
  using V = vec<T, 16>;
  const int64_t whole = n / kSumLanes * kSumLanes;
  for (int half = 0; half < kSumLanes; half += 32) {
    V a = V::load(lanes + half), b = V::load(lanes + half + 16);
    for (int64_t i = half; i < whole; i += kSumLanes) {
      a = Op::all(a, V::load(p + i));
      b = Op::all(b, V::load(p + i + 16));
    }
    store(lanes + half, a);
    store(lanes + half + 16, b);
  }
  for (int64_t i = whole; i < n; ++i) lanes[i - whole] = Op::one(lanes[i - whole], p[i]);
}

template <class Op, class T>
PT_FN T fold_accumulators(const T* lanes) {
  using V = vec<T, 16>;
  V even = Op::all(V::load(lanes), V::load(lanes + 32));
  V odd = Op::all(V::load(lanes + 16), V::load(lanes + 48));
  return reduce_tree(Op::all(even, odd), [](T a, T b) { return Op::one(a, b); });
}

template <class Op, class T>
PT_FN void push_block(FusedState* state, T value) {
  T* stack = reinterpret_cast<T*>(state->stack);
  int top = __builtin_popcountll(uint64_t(state->blocks));
  for (int64_t carry = state->blocks; carry & 1; carry >>= 1) value = Op::one(stack[--top], value);
  stack[top] = value;
  ++state->blocks;
}

template <class Op, class T>
PT_FN void reset(FusedState* state) {
  T* lanes = reinterpret_cast<T*>(state->lanes);
  for (int i = 0; i < kSumLanes; ++i) lanes[i] = Op::template identity<T>();
  state->in_block = 0;
}

// A piece of a row; all pieces but a row's last have a multiple of kSumLanes elements.
template <class Op, class T>
void accumulate(FusedState* state, const T* p, int64_t n) {
  T* lanes = reinterpret_cast<T*>(state->lanes);
  while (n > 0) {
    int64_t take = kSumBlock - state->in_block;
    if (take > n) take = n;
    add_to_lanes<Op>(lanes, p, take);
    state->in_block += take;
    if (state->in_block == kSumBlock) {
      push_block<Op>(state, fold_accumulators<Op>(lanes));
      reset<Op, T>(state);
    }
    p += take;
    n -= take;
  }
}

template <class Op, class T>
T finish(FusedState* state) {
  if (state->in_block > 0) push_block<Op>(state, fold_accumulators<Op>(reinterpret_cast<T*>(state->lanes)));
  const T* stack = reinterpret_cast<const T*>(state->stack);
  int top = __builtin_popcountll(uint64_t(state->blocks));
  T value = top > 0 ? stack[--top] : Op::template identity<T>();
  while (top > 0) value = Op::one(stack[--top], value);
  return value;
}

template <class Op, class T>
PT_FN T reduce_short(const T* p, int64_t n) {
  using V = vec<T, 16>;
  alignas(64) T padded[16];
  if (n <= 16) {
    // The other lanes hold the identity, which changes nothing.
    for (int i = 0; i < 16; ++i) padded[i] = Op::template identity<T>();
    for (int64_t i = 0; i < n; ++i) padded[i] = Op::one(padded[i], p[i]);
    return reduce_tree(V::load(padded), [](T a, T b) { return Op::one(a, b); });
  }
  alignas(64) T lanes[kSumLanes];
  for (int i = 0; i < kSumLanes; ++i) lanes[i] = Op::template identity<T>();
  add_to_lanes<Op>(lanes, p, n);
  return fold_accumulators<Op>(lanes);
}

// Whole rows of at most kSumBlock elements, one after the other.
template <class Op, class T>
void reduce_rows(T* dst, const T* p, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) dst[i] = reduce_short<Op>(p + i * cols, cols);
}

}  // namespace PT_ISA
}  // namespace pt
