// Products of at most kFewQuantizedRows rows: memory is the limit, so each code is read once, in long runs of its row.
// The chains of a piece of c wait in the first cache between the steps of the depth.
#pragma once
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/quantized_matmul/codes.h"

namespace pt {
namespace PT_ISA {

template <int MR>
struct Chains {
  alignas(64) float at[MR][kQuantizedPiece];
};

// The chains go on over STEPS rows of bytes; the first step begins them at zero.
template <class Codes, int MR, int STEPS>
PT_FN void few_rows_steps(const float* left, int64_t left_row, const char* codes, int64_t row_bytes, const float* scale,
                          int64_t cols, bool first, Chains<MR>& chains) {
  for (int64_t j = 0; j < cols; j += Floats::kLanes) {
    const int64_t n = cols - j;
    const Floats s = load_columns_of(scale + j, n);
    Floats chain[MR];
#pragma GCC unroll 4
    for (int i = 0; i < MR; ++i) chain[i] = first ? Floats::zero() : Floats::load(&chains.at[i][j]);
#pragma GCC unroll 8
    for (int step = 0; step < STEPS; ++step) {
      Floats w[Codes::kRows];
      Codes::read(codes + step * row_bytes + j, s, n, w);
#pragma GCC unroll 2
      for (int r = 0; r < Codes::kRows; ++r)
#pragma GCC unroll 4
        for (int i = 0; i < MR; ++i)
          chain[i] = fma(Floats::broadcast(left + i * left_row + step * Codes::kRows + r), w[r], chain[i]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < MR; ++i) chain[i].store(&chains.at[i][j]);
  }
}

// The last row of an odd depth lies in a byte whose upper half means nothing.
template <class Codes, int MR>
PT_FN void last_row(const float* left, int64_t left_row, const char* codes, const float* scale, int64_t cols,
                    bool first, Chains<MR>& chains) {
  for (int64_t j = 0; j < cols; j += Floats::kLanes) {
    Floats w[Codes::kRows];
    Codes::read(codes + j, load_columns_of(scale + j, cols - j), cols - j, w);
    for (int i = 0; i < MR; ++i) {
      const Floats chain = first ? Floats::zero() : Floats::load(&chains.at[i][j]);
      fma(Floats::broadcast(left + i * left_row), w[0], chain).store(&chains.at[i][j]);
    }
  }
}

// One block of the depth, from row k on: pieces of it that share scales, a few rows at a time.
template <class Codes, int MR>
void few_rows_block(const QuantizedMatmulDesc& d, const float* left, const char* codes, const float* scale,
                    int64_t begin, int64_t end, int64_t cols, Chains<MR>& chains) {
  constexpr int kRows = Codes::kRows, kSteps = 8 / kRows;
  int64_t k = begin;
  while (k < end) {
    const int64_t shared_end = least(end, (k / d.group + 1) * d.group);
    const float* scales = scale + k / d.group * d.cols;
    const auto row = [&] { return codes + k / kRows * d.cols; };
    for (; k + kSteps * kRows <= shared_end; k += kSteps * kRows)
      few_rows_steps<Codes, MR, kSteps>(left + k, d.depth, row(), d.cols, scales, cols, k == begin, chains);
    for (; k + kRows <= shared_end; k += kRows)
      few_rows_steps<Codes, MR, 1>(left + k, d.depth, row(), d.cols, scales, cols, k == begin, chains);
    if (k < shared_end) last_row<Codes, MR>(left + k, d.depth, row(), scales, cols, k == begin, chains), k = shared_end;
  }
}

inline void add_row(float* to, const float* from, int64_t n, bool add) {
  for (int64_t j = 0; j < n; ++j) to[j] = add ? to[j] + from[j] : from[j];
}

template <class Codes, int MR>
void few_rows(const QuantizedMatmulDesc& d, const float* left, const char* codes, const float* scale, int64_t cols,
              float* out, float* sums) {
  Chains<MR> chains;
  for (int64_t col = 0; col < cols; col += kQuantizedPiece) {
    const int64_t n = least(kQuantizedPiece, cols - col);
    for (int64_t group = 0; group < d.depth; group += kQuantizedGroup) {
      const int64_t group_end = least(group + kQuantizedGroup, d.depth);
      const bool direct = group == 0;  // the first group is the sum
      for (int64_t k = group; k < group_end; k += kQuantizedBlock) {
        few_rows_block<Codes, MR>(d, left, codes + col, scale + col, k, least(k + kQuantizedBlock, group_end), n,
                                  chains);
        for (int i = 0; i < MR; ++i)
          add_row(direct ? out + i * d.cols + col : sums + i * kQuantizedPiece, chains.at[i], n, k > group);
      }
      for (int i = 0; i < MR && !direct; ++i) add_row(out + i * d.cols + col, sums + i * kQuantizedPiece, n, true);
    }
  }
}

}  // namespace PT_ISA
}  // namespace pt
