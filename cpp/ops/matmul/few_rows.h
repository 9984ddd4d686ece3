// Products of a few rows, whose right operand is read once, in place, as it lies in memory: that is what they wait for.
// Lines that are needed soon are fetched meanwhile.
// - Along columns: long rows of B, a few steps of K at a time, where panels would jump from row to row. The chains of a
// piece of C wait in a near cache between the steps. Where rows of B follow each other, threads share K rather than the
// columns: so each reads memory in one line, which processors fetch ahead themselves, at up to twice the rate of rows
// side by side. With few sums these rows go one at a time.
// - Along K: along_k.h.
#pragma once
#include "core/integers.h"
#include "ops/matmul/along_k.h"
#include "ops/matmul/desc.h"

namespace pt {
namespace PT_ISA {

// Not inlined: for the one register of a row that is not whole.
template <class T, class Stored>
__attribute__((noinline)) Register<T> load_wide_first(const Stored* p, int64_t n) {
  Stored some[Register<T>::kLanes] = {};
  for (int64_t i = 0; i < n; ++i) some[i] = p[i];
  return load_wide(some);
}

// ------------------------------------------------------------ along columns

// Beyond 4 rows the elements of the left operand come from the first cache for each multiply-add: two of 8 lanes a
// cycle would wait for them, one of 16 does not.
template <int MR>
inline constexpr int kStepsOf = MR > 4 && Register<float>::kLanes < 16 ? 2 : 8;
// Of columns that go together. Chains of many rows do not all stay in the first cache; that costs less than to leave
// the line in which memory is read.
template <class T>
inline constexpr int64_t kPieceCols = kSumBytesOfRow / sizeof(T);
// A row of chains, and a line behind it: else all rows begin at places that processors take for the same one at first.
template <class T>
inline constexpr int64_t kPieceRow = kPieceCols<T> + kLineBytes / sizeof(T);
inline constexpr int64_t kFetchedRows = 8;  // so many rows later

// Whether whole rows go one at a time: the chains, loaded and stored for each of them, must keep up with memory.
template <class T, class Stored, int MR>
inline constexpr bool kOneRowAtATime = MR * sizeof(T) <= kSumBytesOfByte * sizeof(Stored);

// chains[i][j] continues over Steps rows of B for a register of columns, or its first n; the first step starts them at
// zero.
template <class T, class Stored, int MR, int Steps, bool Whole>
PT_FN void few_rows_columns(const Register<T> (&a)[MR][Steps], const Stored* right, int64_t right_k, int64_t n,
                            bool first, T (*chains)[kPieceRow<T>]) {
  using R = Register<T>;
  R b[Steps];
#pragma GCC unroll 8
  for (int s = 0; s < Steps; ++s)
    b[s] = Whole ? load_wide(right + s * right_k) : load_wide_first<T>(right + s * right_k, n);
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) {
    R chain = first ? R::zero() : R::load(chains[i]);
#pragma GCC unroll 8
    for (int s = 0; s < Steps; ++s) chain = fma(a[i][s], b[s], chain);
    chain.store(chains[i]);
  }
}

template <class T, class Stored, int MR, int Steps>
inline void few_rows_steps(const Tile<T>& t, const T* left, const Stored* right, int64_t cols, bool first,
                           T (&chains)[MR][kPieceRow<T>]) {
  using R = Register<T>;
  constexpr int64_t kLine = kLineBytes / sizeof(Stored);
  R a[MR][Steps];
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
    for (int s = 0; s < Steps; ++s) a[i][s] = broadcast_once(left + i * t.left_row + s * t.left_k);
  const auto piece = [&](int64_t j) { return reinterpret_cast<T(*)[kPieceRow<T>]>(&chains[0][j]); };
  int64_t j = 0;
  for (; j + kLine <= cols; j += kLine) {
#pragma GCC unroll 8
    for (int s = 0; Steps > 1 && s < Steps; ++s) __builtin_prefetch(right + (s + kFetchedRows) * t.right_k + j, 0, 2);
#pragma GCC unroll 8
    for (int64_t part = j; part < j + kLine; part += R::kLanes)
      few_rows_columns<T, Stored, MR, Steps, true>(a, right + part, t.right_k, R::kLanes, first, piece(part));
  }
  for (; j + R::kLanes <= cols; j += R::kLanes)
    few_rows_columns<T, Stored, MR, Steps, true>(a, right + j, t.right_k, R::kLanes, first, piece(j));
  if (j < cols) few_rows_columns<T, Stored, MR, Steps, false>(a, right + j, t.right_k, cols - j, first, piece(j));
}

template <class T, class Stored, int MR>
void strip_along_columns(const Tile<T>& t, const Source& right, int64_t cols, GroupOfK) {
  constexpr int kSteps = kStepsOf<MR>;
  constexpr int64_t kCols = kPieceCols<T>;
  for (int64_t col = 0; col < cols; col += kCols) {
    const int64_t n = least(kCols, cols - col);
    alignas(64) T chains[MR][kPieceRow<T>];
    const T* left = t.left;
    const Stored* row = reinterpret_cast<const Stored*>(right.at) + col;
    const bool one_at_a_time = kOneRowAtATime<T, Stored, MR> && t.right_k == n;
    int64_t k = 0;
    for (; !one_at_a_time && k + kSteps <= t.depth; k += kSteps, left += kSteps * t.left_k, row += kSteps * t.right_k)
      few_rows_steps<T, Stored, MR, kSteps>(t, left, row, n, k == 0, chains);
    for (; k < t.depth; ++k, left += t.left_k, row += t.right_k)
      few_rows_steps<T, Stored, MR, 1>(t, left, row, n, k == 0, chains);
    for (int i = 0; i < MR; ++i)
      for (int64_t j = 0; j < n; j += Register<T>::kLanes)
        join_sum(Register<T>::load(&chains[i][j]), t.out + i * t.out_row + col + j, n - j, t.add);
  }
}

// ------------------------------------------------------------ any number of rows

template <class T>
using StripFn = void (*)(const Tile<T>&, const Source&, int64_t cols, GroupOfK);

// Pairs must lie as numbers of 32 bits do.
inline bool turns_in_pairs(const Source& right) {
  return right.type == DType::BF16 && right.col % 2 == 0 && reinterpret_cast<uintptr_t>(right.at) % sizeof(float) == 0;
}

template <class T, int MR>
inline StripFn<T> strip_of(const Source& right) {
  const bool along_columns = right.col == 1;
  if constexpr (sizeof(T) == sizeof(float)) {
    if (is_half(right.type) && along_columns)
      return right.type == DType::BF16 ? strip_along_columns<T, bf16, MR> : strip_along_columns<T, f16, MR>;
    if (is_half(right.type))
      return turns_in_pairs(right) ? strip_along_k<T, Turn::Pairs, MR> : strip_along_k<T, Turn::Widened, MR>;
  }
  return along_columns ? strip_along_columns<T, T, MR> : strip_along_k<T, Turn::Plain, MR>;
}

template <class T, int MR = kFewRows>
inline StripFn<T> find_strip(int64_t rows, const Source& right) {
  if constexpr (MR > 1) {
    if (rows < MR) return find_strip<T, MR - 1>(rows, right);
  }
  return strip_of<T, MR>(right);
}

template <class T>
void multiply_few_rows(Tile<T> t, const Source& right, int64_t rows, int64_t cols, GroupOfK group) {
  t.right_k = right.row;
  find_strip<T>(rows, right)(t, right, cols, group);
}

}  // namespace PT_ISA
}  // namespace pt
