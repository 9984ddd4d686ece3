// Tiles whose left operand lies in pieces (tile.h): a convolution reads its image where it is, tap after tap, without a
// copy for each tap. The chain of sums goes on from piece to piece.
#pragma once
#include "ops/matmul/tile_kernels.h"

namespace pt {
namespace PT_ISA {

template <class T, int MR, int NV, bool MaskedRight>
void multiply_pieces_tile(const Tile<T>& t, Runs k) {
  using R = Register<T>;
  constexpr int kPointers = (MR + 2) / 3;  // as in multiply_tile
  R sum[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[i][j] = R::zero();
  prefetch_rows<T, MR>(t);
  const T* right = t.right;
  const int64_t row_bytes = t.left_row * static_cast<int64_t>(sizeof(T));
  const int64_t left_step = t.left_k * static_cast<int64_t>(sizeof(T));
  const int64_t right_step = t.right_k * static_cast<int64_t>(sizeof(T));
  for (int64_t piece = 0; piece < k.count; ++piece) {
    const T* left[kPointers];
#pragma GCC unroll 8
    for (int p = 0; p < kPointers; ++p) left[p] = t.left + k.run[piece].offset + 3 * p * t.left_row;
    for (int64_t step = k.run[piece].length; step > 0; --step) {
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
  }
  store_tile<T, MR, NV>(sum, t.out, t.out_row, t.tail, t.add);
}

template <class T>
using PiecesTileFn = void (*)(const Tile<T>&, Runs);

template <class T, int NV, bool MaskedRight, int MR = kMostRows<NV>>
inline PiecesTileFn<T> find_pieces_tile(int64_t rows) {
  if constexpr (MR > 1) {
    if (rows < MR) return find_pieces_tile<T, NV, MaskedRight, MR - 1>(rows);
  }
  return multiply_pieces_tile<T, MR, NV, MaskedRight>;
}

template <class T, int NV, bool MaskedRight>
inline void multiply_pieces(const Tile<T>& t, Runs rows, Runs k) {
  T* out = t.out;
  int64_t length = 0;
  Strips strips(1, 1);
  PiecesTileFn<T> short_tile = nullptr, long_tile = nullptr;
  for (int64_t r = 0; r < rows.count; ++r) {
    if (rows.run[r].length != length) {
      length = rows.run[r].length;
      strips = Strips(length, kMostRows<NV>);
      short_tile = find_pieces_tile<T, NV, MaskedRight>(strips.rows);
      long_tile = find_pieces_tile<T, NV, MaskedRight>(strips.rows_of(0));
    }
    Tile<T> tile = t;
    tile.left += rows.run[r].offset;
    for (int64_t s = 0; s < strips.count; ++s) {
      tile.out = out;
      (s < strips.longer ? long_tile : short_tile)(tile, k);
      tile.left += strips.rows_of(s) * t.left_row;
      out += strips.rows_of(s) * t.out_row;
    }
  }
}

template <class T, int NV = kTileVectors>
inline void multiply_pieces_vectors(const Tile<T>& t, Runs rows, Runs k, int vectors, bool masked) {
  if constexpr (NV > 1) {
    if (vectors < NV) return multiply_pieces_vectors<T, NV - 1>(t, rows, k, vectors, masked);
  }
  masked ? multiply_pieces<T, NV, true>(t, rows, k) : multiply_pieces<T, NV, false>(t, rows, k);
}

template <class T>
void multiply_pieces_panel(Tile<T> t, Runs rows, Runs k, int64_t cols, bool right_padded) {
  const int vectors = count_vectors(t, cols);
  multiply_pieces_vectors(t, rows, k, vectors, !right_padded && t.tail < Register<T>::kLanes);
}

}  // namespace PT_ISA
}  // namespace pt
