// Tiles whose left operand lies in pieces (tile.h): a convolution reads its image where it is, tap after tap, without a
// copy for each tap. The chain of sums goes on from piece to piece.
#pragma once
#include "ops/matmul/desc.h"
#include "ops/matmul/tile_kernels.h"

namespace pt {
namespace PT_ISA {

// rows: where each group of Group rows begins; the tile has MR.
template <class T, int MR, int NV, bool MaskedRight, int Group>
void multiply_pieces_tile(const Tile<T>& t, const int64_t* rows, Runs k) {
  constexpr int kGroups = (MR + Group - 1) / Group;
  Register<T> sum[MR][NV];
  clear(sum);
  prefetch_rows<T, MR, NV>(t);
  const T* left[kGroups];
#pragma GCC unroll 16
  for (int p = 0; p < kGroups; ++p) left[p] = t.left + rows[p];
  const T* right = t.right;
  for (int64_t piece = 0; piece < k.count; ++piece) {
    const int64_t at = k.run[piece].offset * static_cast<int64_t>(sizeof(T));
    strided_steps<T, MR, NV, MaskedRight, Group>(t, left, at, right, k.run[piece].length, sum);
  }
  store_tile<T, MR, NV>(sum, t.out, t.out_row, t.tail, t.add);
}

template <class T>
using PiecesTileFn = void (*)(const Tile<T>&, const int64_t*, Runs);

// Of so many rows, which are a multiple of Step.
template <class T, int NV, bool MaskedRight, int Group, int Step, int MR = kMostRows<NV> / Step* Step>
inline PiecesTileFn<T> find_pieces_tile(int64_t rows) {
  if constexpr (MR > Step) {
    if (rows < MR) return find_pieces_tile<T, NV, MaskedRight, Group, Step, MR - Step>(rows);
  }
  return multiply_pieces_tile<T, MR, NV, MaskedRight, Group>;
}

// Pieces of even length, cut into pairs of rows: a tile takes the next pairs from whatever pieces, and is as high as
// registers allow even where lines of pixels are short.
template <class T, int NV, bool MaskedRight>
inline void multiply_pairs_of_rows(Tile<T> t, Runs rows, Runs k) {
  int64_t pairs[kMostTapRows / 2], count = 0;
  for (int64_t r = 0; r < rows.count; ++r)
    for (int64_t i = 0; i < rows.run[r].length; i += 2) pairs[count++] = rows.run[r].offset + i * t.left_row;
  constexpr int kMostPairs = kMostRows<NV> / 2;
  static_assert(kMostPairs > 0);
  const Strips strips(count, kMostPairs);
  const PiecesTileFn<T> short_tile = find_pieces_tile<T, NV, MaskedRight, 2, 2>(2 * strips.rows);
  const PiecesTileFn<T> long_tile = find_pieces_tile<T, NV, MaskedRight, 2, 2>(2 * strips.rows_of(0));
  int64_t pair = 0;
  for (int64_t s = 0; s < strips.count; pair += strips.rows_of(s++)) {
    (s < strips.longer ? long_tile : short_tile)(t, pairs + pair, k);
    t.out += 2 * strips.rows_of(s) * t.out_row;
  }
}

// A piece of any length by itself.
template <class T, int NV, bool MaskedRight>
inline void multiply_piece(Tile<T>& t, Run piece, Runs k) {
  const Strips strips(piece.length, kMostRows<NV>);
  const PiecesTileFn<T> short_tile = find_pieces_tile<T, NV, MaskedRight, kEvenGroup, 1>(strips.rows);
  const PiecesTileFn<T> long_tile = find_pieces_tile<T, NV, MaskedRight, kEvenGroup, 1>(strips.rows_of(0));
  int64_t begin = piece.offset;
  for (int64_t s = 0; s < strips.count; begin += strips.rows_of(s++) * t.left_row) {
    int64_t groups[(kMostRows<NV> + kEvenGroup - 1) / kEvenGroup], group = begin;
    for (int64_t& g : groups) g = group, group += kEvenGroup * t.left_row;
    (s < strips.longer ? long_tile : short_tile)(t, groups, k);
    t.out += strips.rows_of(s) * t.out_row;
  }
}

template <class T, int NV, bool MaskedRight>
inline void multiply_pieces(Tile<T> t, Runs rows, Runs k) {
  bool even = true;
  for (int64_t r = 0; r < rows.count; ++r) even = even && rows.run[r].length % 2 == 0;
  if (even) return multiply_pairs_of_rows<T, NV, MaskedRight>(t, rows, k);
  for (int64_t r = 0; r < rows.count; ++r) multiply_piece<T, NV, MaskedRight>(t, rows.run[r], k);
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
