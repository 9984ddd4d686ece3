// An MR x (NV * lanes) tile of C held in registers over one block of K. Each step broadcasts MR elements of A and loads
// one row of B, so that MR * NV multiply-adds wait on MR + NV loads only.
// Source: Goto & van de Geijn 2008; here A is packed only where that pays, else read where it lies, with any strides.
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

// C is needed only at the end of a tile; by then it is here.
template <class T, int MR, int NV>
PT_FN void prefetch_rows(const Tile<T>& t) {
  if (t.depth < 32) return;
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
    for (int j = 0; j < NV; ++j) __builtin_prefetch(t.out + i * t.out_row + j * Register<T>::kLanes);
}

template <class T, int MR, int NV>
PT_FN void packed_step(const T* left, const T* right, Register<T> (&sum)[MR][NV]) {
  using R = Register<T>;
  R b[NV];
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j) b[j] = R::load(right + j * R::kLanes);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) {
    const R a = broadcast_once(left + i);
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[i][j] = fma(a, b[j], sum[i][j]);
  }
}

template <class T, int MR, int NV>
PT_FN void clear(Register<T> (&sum)[MR][NV]) {
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[i][j] = Register<T>::zero();
}

// Some steps of a left operand that lies where it was, from `at` bytes behind each of the pointers on: Group rows have
// one pointer, the first of them, and lie evenly. One index moves, not the pointers: short runs of steps begin at once.
// MaskedRight: the last vector of a row of B must not be read past its tail.
template <class T, int MR, int NV, bool MaskedRight, int Group>
PT_FN void strided_steps(const Tile<T>& t, const T* const (&left)[(MR + Group - 1) / Group], int64_t at,
                         const T*& right, int64_t steps, Register<T> (&sum)[MR][NV]) {
  using R = Register<T>;
  const int64_t row_bytes = t.left_row * static_cast<int64_t>(sizeof(T));
  const int64_t left_step = t.left_k * static_cast<int64_t>(sizeof(T));
  const int64_t right_step = t.right_k * static_cast<int64_t>(sizeof(T));
  while (steps > 0) {
    if (t.ahead) t.ahead->template advance<T>();
    const int64_t now = steps < kFetchSteps ? steps : kFetchSteps;
    steps -= now;
    for (int64_t k = now; k > 0; --k) {
      R b[NV];
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) {
        const T* p = right + j * R::kLanes;
        b[j] = MaskedRight && j == NV - 1 ? R::load_first(p, t.tail) : R::load(p);
      }
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) {
        const R a = broadcast_once(offset_bytes(left[i / Group], at + (i % Group) * row_bytes));
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) sum[i][j] = fma(a, b[j], sum[i][j]);
      }
      at += left_step;
      right = offset_bytes(right, right_step);
    }
  }
}

// Rows that lie evenly: base + {0, 1, 2} * stride are addresses of x86.
inline constexpr int kEvenGroup = 3;

template <class T, int MR, int NV, bool MaskedRight>
void multiply_tile(const Tile<T>& t) {
  Register<T> sum[MR][NV];
  clear(sum);
  prefetch_rows<T, MR, NV>(t);
  const T* left[(MR + kEvenGroup - 1) / kEvenGroup];
#pragma GCC unroll 8
  for (int p = 0; p < (MR + kEvenGroup - 1) / kEvenGroup; ++p) left[p] = t.left + kEvenGroup * p * t.left_row;
  const T* right = t.right;
  strided_steps<T, MR, NV, MaskedRight, kEvenGroup>(t, left, 0, right, t.depth, sum);
  store_tile<T, MR, NV>(sum, t.out, t.out_row, t.tail, t.add);
}

// Both operands packed: addresses are constants away from two pointers, so that a step is loads and multiply-adds
// alone. Where two threads share a core, as on most rented machines, the instructions beside the multiply-adds are the
// limit.
template <class T, int MR, int NV>
void multiply_packed_tile(const Tile<T>& t) {
  using R = Register<T>;
  constexpr int kRightRow = NV * R::kLanes;
  R sum[MR][NV];
  clear(sum);
  prefetch_rows<T, MR, NV>(t);
  const T* left = t.left;
  const T* right = t.right;
  int64_t k = t.depth;
  for (; k >= kFetchSteps; k -= kFetchSteps, left += kFetchSteps * MR, right += kFetchSteps * kRightRow) {
    if (t.ahead) t.ahead->template advance<T>();
#pragma GCC unroll 8
    for (int step = 0; step < kFetchSteps; ++step)
      packed_step<T, MR, NV>(left + step * MR, right + step * kRightRow, sum);
  }
  for (; k > 0; --k, left += MR, right += kRightRow) packed_step<T, MR, NV>(left, right, sum);
  store_tile<T, MR, NV>(sum, t.out, t.out_row, t.tail, t.add);
}

// B packed, and rows of A where they lie, each along memory: here too steps are constants away, from a few pointers.
template <class T, int MR, int NV>
void multiply_rows_tile(const Tile<T>& t) {
  using R = Register<T>;
  constexpr int kRightRow = NV * R::kLanes, kPointers = (MR + kEvenGroup - 1) / kEvenGroup;
  const int64_t row_bytes = t.left_row * static_cast<int64_t>(sizeof(T));
  R sum[MR][NV];
  clear(sum);
  prefetch_rows<T, MR, NV>(t);
  const T* left[kPointers];
#pragma GCC unroll 8
  for (int p = 0; p < kPointers; ++p) left[p] = t.left + kEvenGroup * p * t.left_row;
  const T* right = t.right;
  int64_t k = t.depth, at = 0;
  for (; k >= kFetchSteps; k -= kFetchSteps, at += kFetchSteps * sizeof(T), right += kFetchSteps * kRightRow) {
    if (t.ahead) t.ahead->template advance<T>();
#pragma GCC unroll 8
    for (int step = 0; step < kFetchSteps; ++step) {
      R b[NV];
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) b[j] = R::load(right + step * kRightRow + j * R::kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) {
        const R a = broadcast_once(offset_bytes(left[i / kEvenGroup], at + (i % kEvenGroup) * row_bytes) + step);
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) sum[i][j] = fma(a, b[j], sum[i][j]);
      }
    }
  }
  Tile<T> rest = t;
  rest.ahead = nullptr;
  strided_steps<T, MR, NV, false, kEvenGroup>(rest, left, at, right, k, sum);
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

template <class T, int NV, int MR = kTileRows>
inline TileFn<T> find_packed_tile(int rows) {
  if constexpr (MR > 1) {
    if (rows < MR) return find_packed_tile<T, NV, MR - 1>(rows);
  }
  return multiply_packed_tile<T, MR, NV>;
}

template <class T, int MR = kTileRows>
inline TileFn<T> find_rows_tile(int rows) {
  if constexpr (MR > 1) {
    if (rows < MR) return find_rows_tile<T, MR - 1>(rows);
  }
  return multiply_rows_tile<T, MR, kTileVectors>;
}

// short_tile and long_tile are for strips.rows rows and one more; left_row is the distance of rows in A.
template <class T>
inline void multiply_strips(Tile<T> t, const Strips& strips, TileFn<T> short_tile, TileFn<T> long_tile,
                            int64_t left_row) {
  for (int64_t s = 0; s < strips.count; ++s) {
    (s < strips.longer ? long_tile : short_tile)(t);
    t.left += strips.rows_of(s) * left_row;
    t.out += strips.rows_of(s) * t.out_row;
    t.rounded += strips.rows_of(s) * t.rounded_row;
  }
}

template <class T, int NV, bool MaskedRight>
inline void multiply_strided(const Tile<T>& t, int64_t rows) {
  const Strips strips(rows, kMostRows<NV>);
  multiply_strips(t, strips, find_tile<T, NV, MaskedRight>(static_cast<int>(strips.rows)),
                  find_tile<T, NV, MaskedRight>(static_cast<int>(strips.rows_of(0))), t.left_row);
}

template <class T, int NV = kWideVectors>
inline void multiply_vectors(const Tile<T>& t, int64_t rows, int vectors, bool masked) {
  if constexpr (NV > 1) {
    if (vectors < NV) return multiply_vectors<T, NV - 1>(t, rows, vectors, masked);
  }
  masked ? multiply_strided<T, NV, true>(t, rows) : multiply_strided<T, NV, false>(t, rows);
}

template <class T, int NV = kTileVectors>
inline void multiply_packed_vectors(const Tile<T>& t, int64_t rows, int vectors) {
  if constexpr (NV > 1) {
    if (vectors < NV) return multiply_packed_vectors<T, NV - 1>(t, rows, vectors);
  }
  const Strips strips(rows, kTileRows);
  multiply_strips(t, strips, find_packed_tile<T, NV>(static_cast<int>(strips.rows)),
                  find_packed_tile<T, NV>(static_cast<int>(strips.rows_of(0))), t.depth);
}

// Sets the tail of the last of the vectors that hold cols columns, and returns their number.
template <class T>
inline int count_vectors(Tile<T>& t, int64_t cols) {
  constexpr int kLanes = Register<T>::kLanes;
  const int vectors = static_cast<int>((cols + kLanes - 1) / kLanes);
  t.tail = static_cast<int>(cols - (vectors - 1) * kLanes);
  return vectors;
}

// Rows so far apart (or a multiple) share a set of the first cache, which has 12 lines on most machines: with one line
// of B, 10 rows stay there while their lines are read, where 14 would evict each other at every step.
inline constexpr int64_t kSetBytes = 4096;
inline constexpr int kRowsOfOneSet = 10 < kTileRows ? 10 : kTileRows;

template <class T>
void multiply_panel(Tile<T> t, int64_t rows, int64_t cols, bool right_padded) {
  const int vectors = count_vectors(t, cols);
  if (right_padded && t.left_k == 1 && vectors == kTileVectors && t.right_k == kTileVectors * Register<T>::kLanes) {
    const bool one_set = t.left_row * static_cast<int64_t>(sizeof(T)) % kSetBytes == 0;
    const Strips strips(rows, one_set ? kRowsOfOneSet : kTileRows);
    return multiply_strips(t, strips, find_rows_tile<T>(static_cast<int>(strips.rows)),
                           find_rows_tile<T>(static_cast<int>(strips.rows_of(0))), t.left_row);
  }
  multiply_vectors(t, rows, vectors, !right_padded && t.tail < Register<T>::kLanes);
}

template <class T>
void multiply_strips_panel(Tile<T> t, int64_t rows, int64_t cols) {
  const int vectors = count_vectors(t, cols);
  multiply_packed_vectors(t, rows, vectors);
}

}  // namespace PT_ISA
}  // namespace pt
