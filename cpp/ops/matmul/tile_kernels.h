// An MR x (NV * lanes) tile of C held in registers over one block of K. Each step broadcasts MR elements of A and loads
// one row of B, so that MR * NV multiply-adds wait on MR + NV loads only.
// Source: Goto & van de Geijn 2008; here A is read where it lies, with any strides.
#pragma once
#include "ops/matmul/tile.h"

namespace pt {
namespace PT_ISA {

template <class T, int MR, int NV, bool Add, bool Full>
PT_FN void store_sums(const Register<T> (&sum)[MR][NV], T* out, int64_t out_row, int tail) {
  using R = Register<T>;
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i, out += out_row) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      T* p = out + j * R::kLanes;
      if (Full || j < NV - 1) {
        (Add ? R::load(p) + sum[i][j] : sum[i][j]).store(p);
      } else {
        (Add ? R::load_first(p, tail) + sum[i][j] : sum[i][j]).store_first(p, tail);
      }
    }
  }
}

template <class T, int MR, int NV>
PT_FN void store_tile(const Register<T> (&sum)[MR][NV], T* out, int64_t out_row, int tail, bool add) {
  if (tail == Register<T>::kLanes) {
    add ? store_sums<T, MR, NV, true, true>(sum, out, out_row, tail)
        : store_sums<T, MR, NV, false, true>(sum, out, out_row, tail);
  } else {
    add ? store_sums<T, MR, NV, true, false>(sum, out, out_row, tail)
        : store_sums<T, MR, NV, false, false>(sum, out, out_row, tail);
  }
}

// MaskedRight: the last vector of a row of B must not be read past its tail.
template <class T, int MR, int NV, bool MaskedRight>
void multiply_tile(const Tile<T>& t) {
  using R = Register<T>;
  constexpr int kPointers = (MR + 2) / 3;  // one pointer per three rows: base + {0, 1, 2} * stride are x86 addresses
  R sum[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[i][j] = R::zero();
  // C is needed only at the end; by then it is here.
  if (t.depth >= 32) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) __builtin_prefetch(t.out + i * t.out_row);
  }
  const T* left[kPointers];
#pragma GCC unroll 8
  for (int p = 0; p < kPointers; ++p) left[p] = t.left + 3 * p * t.left_row;
  const T* right = t.right;
  const int64_t row_bytes = t.left_row * static_cast<int64_t>(sizeof(T));
  const int64_t left_step = t.left_k * static_cast<int64_t>(sizeof(T));
  const int64_t right_step = t.right_k * static_cast<int64_t>(sizeof(T));
  for (int64_t k = t.depth; k > 0; --k) {
    R b[NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const T* p = right + j * R::kLanes;
      b[j] = MaskedRight && j == NV - 1 ? R::load_first(p, t.tail) : R::load(p);
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const R a = broadcast_once(offset_bytes(left[i / 3], (i % 3) * row_bytes));
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) sum[i][j] = fma(a, b[j], sum[i][j]);
    }
#pragma GCC unroll 8
    for (int p = 0; p < kPointers; ++p) left[p] = offset_bytes(left[p], left_step);
    right = offset_bytes(right, right_step);
  }
  store_tile<T, MR, NV>(sum, t.out, t.out_row, t.tail, t.add);
}

template <class T>
using TileFn = void (*)(const Tile<T>&);

template <int NV>
inline constexpr int kMostRows = NV > kTileVectors         ? kWideRows
                                 : kAccumulators / NV > 14 ? 14
                                                           : kAccumulators / NV;

template <class T, int NV, bool MaskedRight, int MR = kMostRows<NV>>
inline TileFn<T> find_tile(int rows) {
  if constexpr (MR > 1) {
    if (rows < MR) return find_tile<T, NV, MaskedRight, MR - 1>(rows);
  }
  return multiply_tile<T, MR, NV, MaskedRight>;
}

// Rows are split evenly: no slow strip at the end.
template <class T, int NV, bool MaskedRight>
inline void multiply_strips(Tile<T> t, int64_t rows) {
  constexpr int64_t most = kMostRows<NV>;
  const int64_t strips = (rows + most - 1) / most;
  const int64_t short_rows = rows / strips;
  const int64_t long_strips = rows % strips;
  const TileFn<T> short_tile = find_tile<T, NV, MaskedRight>(static_cast<int>(short_rows));
  const TileFn<T> long_tile = find_tile<T, NV, MaskedRight>(static_cast<int>(short_rows + (long_strips > 0)));
  for (int64_t s = 0; s < strips; ++s) {
    const bool is_long = s < long_strips;
    (is_long ? long_tile : short_tile)(t);
    const int64_t step = short_rows + is_long;
    t.left += step * t.left_row;
    t.out += step * t.out_row;
  }
}

template <class T, int NV = kWideVectors>
inline void multiply_vectors(const Tile<T>& t, int64_t rows, int vectors, bool masked) {
  if constexpr (NV > 1) {
    if (vectors < NV) return multiply_vectors<T, NV - 1>(t, rows, vectors, masked);
  }
  masked ? multiply_strips<T, NV, true>(t, rows) : multiply_strips<T, NV, false>(t, rows);
}

template <class T>
void multiply_panel(Tile<T> t, int64_t rows, int64_t cols, bool right_padded) {
  constexpr int kLanes = Register<T>::kLanes;
  const int vectors = static_cast<int>((cols + kLanes - 1) / kLanes);
  t.tail = static_cast<int>(cols - (vectors - 1) * kLanes);
  multiply_vectors(t, rows, vectors, !right_padded && t.tail < kLanes);
}

}  // namespace PT_ISA
}  // namespace pt
