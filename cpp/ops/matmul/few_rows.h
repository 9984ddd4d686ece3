// Products of a few rows, whose right operand is read once and in place: memory is the limit. So B is read as whole
// long rows, a few of them at a time, where panels would jump from row to row; the chains of a piece of C wait in the
// first cache between the steps of K.
#pragma once
#include "ops/matmul/tile.h"

namespace pt {
namespace PT_ISA {

inline constexpr int64_t kPieceCols = 1024;

// chains[i][j] continues over STEPS rows of B for all columns of a piece; the first step starts them at zero.
template <class T, int MR, int STEPS>
inline void few_rows_steps(const Tile<T>& t, const T* left, const T* right, int64_t cols, bool first,
                           T (&chains)[MR][kPieceCols]) {
  using R = Register<T>;
  R a[MR][STEPS];
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
    for (int s = 0; s < STEPS; ++s) a[i][s] = broadcast_once(left + i * t.left_row + s * t.left_k);
  for (int64_t j = 0; j < cols; j += R::kLanes) {
    const bool whole = j + R::kLanes <= cols;
    R chain[MR];
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) chain[i] = first ? R::zero() : R::load(&chains[i][j]);
#pragma GCC unroll 8
    for (int s = 0; s < STEPS; ++s) {
      const T* p = right + s * t.right_k + j;
      const R b = whole ? R::load(p) : R::load_first(p, static_cast<int>(cols - j));
#pragma GCC unroll 8
      for (int i = 0; i < MR; ++i) chain[i] = fma(a[i][s], b, chain[i]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) chain[i].store(&chains[i][j]);
  }
}

template <class T, int MR>
void multiply_piece(const Tile<T>& t, int64_t cols) {
  constexpr int kSteps = 8 / MR;
  alignas(64) T chains[MR][kPieceCols];
  const T* left = t.left;
  const T* right = t.right;
  int64_t k = 0;
  for (; k + kSteps <= t.depth; k += kSteps, left += kSteps * t.left_k, right += kSteps * t.right_k)
    few_rows_steps<T, MR, kSteps>(t, left, right, cols, k == 0, chains);
  for (; k < t.depth; ++k, left += t.left_k, right += t.right_k)
    few_rows_steps<T, MR, 1>(t, left, right, cols, k == 0, chains);
  for (int i = 0; i < MR; ++i) {
    T* out = t.out + i * t.out_row;
    for (int64_t j = 0; j < cols; ++j) out[j] = t.add ? out[j] + chains[i][j] : chains[i][j];
  }
}

template <class T>
void multiply_few_rows(Tile<T> t, int64_t rows, int64_t cols) {
  for (int64_t col = 0; col < cols; col += kPieceCols, t.right += kPieceCols, t.out += kPieceCols) {
    const int64_t n = col + kPieceCols < cols ? kPieceCols : cols - col;
    switch (rows) {
      case 1:
        multiply_piece<T, 1>(t, n);
        break;
      case 2:
        multiply_piece<T, 2>(t, n);
        break;
      case 3:
        multiply_piece<T, 3>(t, n);
        break;
      default:
        multiply_piece<T, 4>(t, n);
        break;
    }
  }
}

}  // namespace PT_ISA
}  // namespace pt
