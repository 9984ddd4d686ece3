// Where the extreme of each row or column is: NaN is above and below everything; among equals the first stands.
#pragma once
#include "ops/reduce/access.h"
#include "ops/reduce/combine.h"

namespace pt {
namespace PT_ISA {

constexpr int64_t kPositionPiece = 1024;
constexpr int64_t kShortRow = 64;   // up to here 16 rows are searched side by side
constexpr int64_t kNarrowRow = 64;  // and so many columns with what is best so far in registers

template <bool kMax, class T>
PT_FN T extreme(const T* piece, int64_t n) {
  if constexpr (kMax)
    return reduce_short<ReduceMax>(piece, n);
  else
    return reduce_short<ReduceMin>(piece, n);
}

// The first of n elements that is the value, or a NaN if the value is one: there is one.
template <class T>
PT_FN int64_t first_place(const T* p, T value, int64_t n) {
  using V = vec<T, 16>;
  constexpr int kVectors = 4;
  const V wanted(value);
  const bool is_nan = value != value;
  int64_t i = 0;
  for (; i + 16 * kVectors <= n; i += 16 * kVectors) {
    const V a = V::load(p + i), b = V::load(p + i + 16), c = V::load(p + i + 32), d = V::load(p + i + 48);
    const bool here = is_nan ? any((a != a) | (b != b) | (c != c) | (d != d))
                             : any((a == wanted) | (b == wanted) | (c == wanted) | (d == wanted));
    if (here) break;
  }
  while (!(p[i] == value || p[i] != p[i])) ++i;
  return i;
}

// The best of each lane so far, and where it was.
template <bool kMax, class T>
struct BestOfLanes {
  using V = vec<T, 16>;
  using Places = vec<typename lane_of<sizeof(T)>::type, 16>;
  V best;
  Places place;

  PT_FN BestOfLanes(V first) : best(first), place(0) {}
  PT_FN void join(V x, int64_t at) {
    mask_of<V> better = kMax ? x > best : x < best;
    if constexpr (is_floating<T>) better = better | ((x != x) & (best == best));
    best = select(better, x, best);
    place = select(better, Places(element_of<Places>(at)), place);
  }
  PT_FN void put(int64_t* result, int64_t n) const {
    alignas(64) element_of<Places> places[16];
    store(places, place);
    for (int64_t i = 0; i < n; ++i) result[i] = places[i];
  }
};

// Up to 16 short rows that lie evenly apart: the same column of each is a vector.
template <bool kMax, class T>
static void positions_side_by_side(const ReduceDesc* d, const char* src, int64_t row_stride, int64_t rows,
                                   int64_t* result) {
  using V = vec<T, 16>;
  alignas(64) T column[kShortRow][16];
  const int64_t n = d->n_reduced, stride = d->reduced.count == 1 ? d->reduced.stride[0] : 0;
  if (rows == 16 && d->from == storage_for<T>() && stride == 1) {
    turn_rows(column, reinterpret_cast<const T*>(src), row_stride, n);
  } else {
    with_storage(d->from, [&](auto s) {
      using S = decltype(s);
      auto* memory = reinterpret_cast<const typename S::memory*>(src);
      for (int64_t i = 0; i < 16; ++i) {
        const auto* row = memory + (i < rows ? i : 0) * row_stride;
        for (int64_t k = 0; k < n; ++k) column[k][i] = T(S::get(row[k * stride]));
      }
    });
  }
  BestOfLanes<kMax, T> lanes(V::load(column[0]));
  for (int64_t k = 1; k < n; ++k) lanes.join(V::load(column[k]), k);
  lanes.put(result, rows);
}

// A piece at a time: its extreme in vectors, and where that is only if it is better than those before.
template <bool kMax, class T>
static void position_in_row(const ReduceDesc* d, const char* src, int64_t bytes, int64_t* result, T* converted) {
  T best = T(0);
  *result = 0;
  for (int64_t begin = 0; begin < d->n_reduced; begin += kPositionPiece) {
    const int64_t n = d->n_reduced - begin < kPositionPiece ? d->n_reduced - begin : kPositionPiece;
    const T* piece = converted;
    if (d->reduced.count == 1) {
      piece = fetch<T>(d, src + begin * d->reduced.stride[0] * bytes, n, d->reduced.stride[0], converted);
    } else {
      for (int64_t i = 0; i < n; ++i) {
        converted[i] = *fetch<T>(d, src + offset_of(d->reduced, begin + i) * bytes, 1, 1, converted + i);
      }
    }
    const T value = extreme<kMax>(piece, n);
    if (begin > 0 && !beats<kMax>(value, best)) continue;
    best = value;
    *result = begin + first_place(piece, value, n);
  }
}

template <bool kMax, class T>
static void positions_in_rows(const KernelArgs* args, const ReduceDesc* d, const ReduceChunk& c, int64_t bytes) {
  auto* out = reinterpret_cast<int64_t*>(args->data[1]);
  const bool even = d->outer.count <= 1 && d->reduced.count <= 1 && d->n_reduced > 0 && d->n_reduced <= kShortRow;
  const int64_t row_stride = d->outer.count == 1 ? d->outer.stride[0] : 0;
  for (int64_t outer = c.outer_begin; outer < c.outer_end;) {
    const char* src = args->data[0] + offset_of(d->outer, outer) * bytes;
    if (even) {
      const int64_t rows = c.outer_end - outer < 16 ? c.outer_end - outer : 16;
      positions_side_by_side<kMax, T>(d, src, row_stride, rows, out + outer);
      outer += rows;
    } else {
      position_in_row<kMax, T>(d, src, bytes, out + outer, reinterpret_cast<T*>(args->scratch));
      ++outer;
    }
  }
}

// Some columns whose rows are read in place, with what is best so far in registers.
template <bool kMax, class T>
static void positions_of_narrow(const ReduceDesc* d, const T* src, int64_t width, int64_t* result) {
  using V = vec<T, 16>;
  const int64_t stride = d->reduced.count == 1 ? d->reduced.stride[0] : 0;
  for (int64_t i = 0; i < width; i += 16) {
    const int64_t n = width - i < 16 ? width - i : 16;
    const T* row = src + i;
    BestOfLanes<kMax, T> lanes(V::load_n(row, n));
    for (int64_t k = 1; k < d->n_reduced; ++k) lanes.join(V::load_n(row += stride, n), k);
    lanes.put(result + i, n);
  }
}

template <bool kMax, class T>
static void positions_in_columns(const KernelArgs* args, const ReduceDesc* d, const ReduceChunk& c, int64_t bytes) {
  T* best = reinterpret_cast<T*>(args->scratch);
  T* converted = best + (d->strip + kFusedLanes - 1) / kFusedLanes * kFusedLanes;
  const bool narrow = reads_in_place<T>(d) && c.width <= kNarrowRow && d->n_reduced > 0 && d->n_reduced <= INT32_MAX;
  for (int64_t outer = c.outer_begin; outer < c.outer_end; ++outer) {
    const char* src = args->data[0] + offset_of(d->outer, outer) * bytes;
    int64_t* result = reinterpret_cast<int64_t*>(args->data[1]) + outer * d->inner + c.column;
    if (narrow) {
      positions_of_narrow<kMax>(d, reinterpret_cast<const T*>(src) + c.column, c.width, result);
      continue;
    }
    for (int64_t k = 0; k < d->n_reduced; ++k) {
      const char* at = src + (offset_of(d->reduced, k) + c.column * d->inner_stride) * bytes;
      const T* row = fetch<T>(d, at, c.width, d->inner_stride, converted);
      for (int64_t i = 0; i < c.width; ++i) {
        const bool better = k == 0 || beats<kMax>(row[i], best[i]);
        best[i] = better ? row[i] : best[i];
        result[i] = better ? k : result[i];
      }
    }
  }
}

template <bool kMax, class T>
static void positions(const KernelArgs* args, const ReduceDesc* d, int64_t chunk, int64_t bytes) {
  const ReduceChunk c = locate(d, chunk);
  if (d->inner == 1)
    positions_in_rows<kMax, T>(args, d, c, bytes);
  else
    positions_in_columns<kMax, T>(args, d, c, bytes);
}

}  // namespace PT_ISA
}  // namespace pt
