// The canonical order of a reduction along a row: blocks of kSumBlock elements; in a block element i goes to lane i %
// 64, lanes combine as a fixed tree; block results combine pairwise, as a binary counter does. Maximum and minimum use
// the same order, because of the sign of zero and the payload of a NaN.
#pragma once
#include "ops/fused/desc.h"
#include "ops/fused/reduction.h"
#include "simd/short_rows.h"
#include "simd/turn.h"

namespace pt {
namespace PT_ISA {

// The first n lanes of x; the others hold the identity, which changes nothing.
template <class Op, class T>
PT_FN vec<T, 16> or_identity(vec<T, 16> x, int64_t n) {
  using Index = typename lane_of<sizeof(T)>::type;
  alignas(64) static constexpr Index kPlaces[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const auto given = vec<Index, 16>::load(kPlaces) < vec<Index, 16>(Index(n < 16 ? n : 16));
  return select(given, x, vec<T, 16>(Op::template identity<T>()));
}
template <class Op, class T>
PT_FN vec<T, 16> load_or_identity(const T* p, int64_t n) {
  const vec<T, 16> some = vec<T, 16>::load_n(p, n);
  if constexpr (Op::template identity<T>() == T(0))
    return some;
  else
    return or_identity<Op, T>(some, n);
}

// What is reduced: elements in memory. Others compute them from those of several operands (cpu_chain.cpp).
template <class T>
struct InMemory {
  const T* p;
  PT_FN vec<T, 16> whole(int64_t i) const { return vec<T, 16>::load(p + i); }
  template <class Op>
  PT_FN vec<T, 16> some(int64_t i, int64_t n) const {
    return load_or_identity<Op>(p + i, n);
  }
};

// Calls join(k, elements) for each vector that goes to the lanes from first + 16 * k on, k below kVectors.
template <class Op, int kVectors, class Source, class F>
PT_FN void each_vector(const Source& source, int64_t first, int64_t n, F join) {
  const int64_t whole = first + (n - first) / kSumLanes * kSumLanes;
  for (int64_t i = first; i < whole; i += kSumLanes)
    PT_UNROLL for (int k = 0; k < kVectors; ++k) join(k, source.whole(i + 16 * k));
  PT_UNROLL for (int k = 0; k < kVectors; ++k) {
    const int64_t at = whole + 16 * k;
    if (at < n) join(k, n - at >= 16 ? source.whole(at) : source.template some<Op>(at, n - at));
  }
}

// As many lanes at a time as have registers, with 8 bytes each half of them. The extremes of floats wait for the test
// for NaN only once, at the end: where there is none, a single instruction joins two vectors.
template <class Op, class T, class Source>
PT_FN void add_to_lanes(T* lanes, const Source& source, int64_t n) {
  using V = vec<T, 16>;
  constexpr int kVectors = sizeof(T) == 4 ? 4 : 2;
  for (int first = 0; first < kSumLanes && first < n; first += 16 * kVectors) {
    V sum[kVectors];
    PT_UNROLL for (int k = 0; k < kVectors; ++k) sum[k] = V::load(lanes + first + 16 * k);
    if constexpr (Op::is_extreme && is_floating<T>) {
      mask_of<V> is_nan = sum[0] != sum[0];
      PT_UNROLL for (int k = 1; k < kVectors; ++k) is_nan = is_nan | (sum[k] != sum[k]);
      each_vector<Op, kVectors>(source, first, n, [&](int k, V x) {
        sum[k] = Op::numbers(sum[k], x);
        is_nan = is_nan | (x != x);
      });
      if (any(is_nan)) {
        PT_UNROLL for (int k = 0; k < kVectors; ++k) sum[k] = V::load(lanes + first + 16 * k);
        each_vector<Op, kVectors>(source, first, n, [&](int k, V x) { sum[k] = Op::all(sum[k], x); });
      }
    } else {
      each_vector<Op, kVectors>(source, first, n, [&](int k, V x) { sum[k] = Op::all(sum[k], x); });
    }
    PT_UNROLL for (int k = 0; k < kVectors; ++k) store(lanes + first + 16 * k, sum[k]);
  }
}

// The tree over the lanes. Without a NaN among them the extremes need one instruction for each pair, and no branch.
template <class Op, class T>
PT_FN T reduce_lanes(vec<T, 16> lanes) {
  if constexpr (Op::is_extreme && is_floating<T>) {
    if (!any(lanes != lanes)) return reduce_tree(lanes, [](T a, T b) { return Op::number(a, b); });
  }
  return reduce_tree(lanes, [](T a, T b) { return Op::one(a, b); });
}

// The first two steps of the tree.
template <class Op, class T>
PT_FN vec<T, 16> fold_to_16(const T* lanes) {
  using V = vec<T, 16>;
  V even = Op::all(V::load(lanes), V::load(lanes + 32));
  V odd = Op::all(V::load(lanes + 16), V::load(lanes + 48));
  return Op::all(even, odd);
}
template <class Op, class T>
PT_FN T fold_accumulators(const T* lanes) {
  return reduce_lanes<Op>(fold_to_16<Op>(lanes));
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

// A piece of a row; all pieces but a row's last have a multiple of kSumLanes elements. add(lanes, first, count) adds
// that many elements of the piece to the lanes.
template <class Op, class T, class F>
PT_FN void accumulate(FusedState* state, int64_t n, F add) {
  T* lanes = reinterpret_cast<T*>(state->lanes);
  for (int64_t done = 0; done < n;) {
    int64_t take = kSumBlock - state->in_block;
    if (take > n - done) take = n - done;
    add(lanes, done, take);
    state->in_block += take;
    if (state->in_block == kSumBlock) {
      push_block<Op>(state, fold_accumulators<Op>(lanes));
      reset<Op, T>(state);
    }
    done += take;
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

// A row of at most kSumBlock elements, but for the last steps of its tree. add(lanes, first, count) adds elements.
template <class Op, class T, class F>
PT_FN vec<T, 16> fold_row(int64_t n, F add) {
  using V = vec<T, 16>;
  alignas(64) T lanes[kSumLanes];
  PT_UNROLL for (int k = 0; k < kSumLanes; k += 16) store(lanes + k, V(Op::template identity<T>()));
  add(lanes, 0, n);
  return fold_to_16<Op>(lanes);
}

template <class Op, class T>
PT_FN T reduce_short(const T* p, int64_t n) {
  using V = vec<T, 16>;
  if (n <= 16) return reduce_lanes<Op>(Op::all(V(Op::template identity<T>()), load_or_identity<Op>(p, n)));
  return reduce_lanes<Op>(
      fold_row<Op, T>(n, [&](T* lanes, int64_t, int64_t count) { add_to_lanes<Op, T>(lanes, InMemory<T>{p}, count); }));
}

// Every lane of a sum began with 0: without that, one of nothing but negative zeros would be one.
template <class Op, class V>
PT_FN V begun(V result) {
  if constexpr (Op::is_extreme)
    return result;
  else
    return Op::all(V(Op::template identity<element_of<V>>()), result);
}

// The tree over the lanes of 16 rows that are columns, of which there are n, at most 16. A column that is not there
// would be the identity.
template <class Op, class T>
PT_FN void join_columns(T* dst, T (*column)[16], int64_t n) {
  using V = vec<T, 16>;
  for (int apart = 8; apart > 0; apart /= 2)
    for (int k = 0; k < apart && k + apart < n; ++k)
      store(column[k], Op::all(V::load(column[k]), V::load(column[k + apart])));
  store(dst, begun<Op>(V::load(column[0])));
}

// Of 16 rows, of which row_at(i) brings row i and those behind it, as many as fit a vector with kWidth lanes each: the
// trees, as far as kLanes lanes of a row are left. Those of 16 / kLanes rows are one vector.
template <class Op, int kLanes, int kWidth, class T, class RowAt>
PT_FN vec<T, 16> climb_trees(const RowAt& row_at, int64_t row) {
  if constexpr (kLanes == kWidth) {
    return row_at(row);
  } else {
    vec<T, 16> first, second;
    part_groups<kLanes>(climb_trees<Op, 2 * kLanes, kWidth, T>(row_at, row),
                        climb_trees<Op, 2 * kLanes, kWidth, T>(row_at, row + 8 / kLanes), first, second);
    return Op::all(first, second);
  }
}

// The trees over 16 lanes of each of 16 rows, of which row_at(i) is one.
template <class Op, class T, class RowAt>
PT_FN void join_sixteen(T* dst, const RowAt& row_at) {
  if constexpr (kPartsGroups) {
    store(dst, begun<Op>(climb_trees<Op, 1, 16, T>(row_at, 0)));
  } else {
    alignas(64) T folded[16][16], column[16][16];
    for (int64_t i = 0; i < 16; ++i) store(folded[i], row_at(i));
    turn_rows(column, folded[0], 16, 16);
    join_columns<Op>(dst, column, 16);
  }
}

// 16 rows of at most 16 elements.
template <class Op, int kWidth, class T>
PT_FN void reduce_short_rows(T* dst, const T* p, int64_t rows, int64_t cols) {
  const auto reduce = [&]<bool kWhole>() {
    short_rows<T, kWidth, kWhole> source(p, cols, Op::template identity<T>());
    for (int64_t i = 0; i < rows; i += 16) {
      const auto row_at = [&](int64_t k) { return source.at(i + k); };
      store(dst + i, begun<Op>(climb_trees<Op, 1, kWidth, T>(row_at, 0)));
    }
  };
  cols == kWidth ? reduce.template operator()<true>() : reduce.template operator()<false>();
}

// Sixteens of rows of at most 16 elements.
template <class Op, class T>
PT_FN void reduce_narrow(T* dst, const T* p, int64_t rows, int64_t cols) {
  if constexpr (kPartsGroups) {
    if (cols <= 2) return reduce_short_rows<Op, 2>(dst, p, rows, cols);
    if (cols <= 4) return reduce_short_rows<Op, 4>(dst, p, rows, cols);
    if (cols <= 8) return reduce_short_rows<Op, 8>(dst, p, rows, cols);
    return reduce_short_rows<Op, 16>(dst, p, rows, cols);
  } else {
    alignas(64) T column[16][16];
    for (int64_t i = 0; i < rows; i += 16) {
      turn_rows(column, p + i * cols, cols, cols);
      join_columns<Op>(dst + i, column, cols);
    }
  }
}

// 16 rows of 17 to kSumLanes elements.
template <class Op, class T>
PT_FN void reduce_side_by_side(T* dst, const T* p, int64_t cols) {
  using V = vec<T, 16>;
  const auto vector = [&](const T* row, int64_t from) {
    if (cols >= from + 16) return V::load(row + from);
    return cols > from ? load_or_identity<Op>(row + from, cols - from) : V(Op::template identity<T>());
  };
  join_sixteen<Op>(dst, [&](int64_t i) {
    const T* row = p + i * cols;
    const V even = cols > 32 ? Op::all(V::load(row), vector(row, 32)) : V::load(row);
    const V odd = cols > 48 ? Op::all(V::load(row + 16), vector(row, 48)) : vector(row, 16);
    return Op::all(even, odd);
  });
}

// Whole rows of at most kSumBlock elements, one after the other; short ones side by side.
template <class Op, class T>
void reduce_rows(T* dst, const T* p, int64_t rows, int64_t cols) {
  int64_t i = 0;
  if (cols > 0 && cols <= 16) reduce_narrow<Op>(dst, p, i = rows / 16 * 16, cols);
  if (cols > 16 && cols <= kSumLanes)
    for (; i + 16 <= rows; i += 16) reduce_side_by_side<Op>(dst + i, p + i * cols, cols);
  for (; i < rows; ++i) dst[i] = reduce_short<Op>(p + i * cols, cols);
}

}  // namespace PT_ISA
}  // namespace pt
