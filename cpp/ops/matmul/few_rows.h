// Products of a few rows, whose right operand is read once, in place, as it lies in memory: that is what they wait for.
// Lines that are needed soon are fetched meanwhile.
// - Along columns: whole long rows of B, a few steps of K at a time, where panels would jump from row to row. The
// chains of a piece of C wait in the first cache between the steps.
// - Along K: as many columns as a register has lanes, turned in the first cache; the chains stay in registers.
#pragma once
#include "core/integers.h"
#include "ops/matmul/copy.h"
#include "ops/matmul/tile.h"

namespace pt {
namespace PT_ISA {

inline constexpr int kStripRows = 8;       // at once; the next ones read the same piece of B again, from a near cache
inline constexpr int64_t kNearCols = 512;  // of such a piece
inline constexpr int64_t kLineBytes = 64;

// Not inlined: for the one register of a row that is not whole.
template <class T, class Stored>
__attribute__((noinline)) Register<T> load_wide_first(const Stored* p, int64_t n) {
  Stored some[Register<T>::kLanes] = {};
  for (int64_t i = 0; i < n; ++i) some[i] = p[i];
  return load_wide(some);
}

// What a chain adds to C: the first n lanes of a register.
template <class T>
PT_FN void join_sum(Register<T> chain, T* out, int64_t n, bool add) {
  using R = Register<T>;
  if (n >= R::kLanes) return (add ? R::load(out) + chain : chain).store(out);
  const int some = static_cast<int>(n);
  (add ? R::load_first(out, some) + chain : chain).store_first(out, some);
}

// ------------------------------------------------------------ along columns

// Registers for the elements of the left operand limit how many steps go together, and the first cache, of which the
// chains take half, how many columns. Beyond 4 rows the stores of the chains are hidden by their own multiply-adds.
inline constexpr int kLeftRegisters = kAccumulators - 4;
template <int MR>
inline constexpr int kStepsOf = MR > 4                    ? 2
                                : kLeftRegisters < 8 * MR ? kLeftRegisters / MR
                                                          : 8;
template <class T, int MR>
inline constexpr int64_t kPieceCols = (MR > 4 ? 2048 : 4096) / sizeof(T);
inline constexpr int64_t kFetchedRows = 8;  // so many rows later

// chains[i][j] continues over Steps rows of B for a register of columns, or its first n; the first step starts them at
// zero.
template <class T, class Stored, int MR, int Steps, bool Whole>
PT_FN void few_rows_columns(const Register<T> (&a)[MR][Steps], const Stored* right, int64_t right_k, int64_t n,
                            bool first, T (*chains)[kPieceCols<T, MR>]) {
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
                           T (&chains)[MR][kPieceCols<T, MR>]) {
  using R = Register<T>;
  constexpr int64_t kLine = kLineBytes / sizeof(Stored);
  R a[MR][Steps];
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
    for (int s = 0; s < Steps; ++s) a[i][s] = broadcast_once(left + i * t.left_row + s * t.left_k);
  const auto piece = [&](int64_t j) { return reinterpret_cast<T(*)[kPieceCols<T, MR>]>(&chains[0][j]); };
  int64_t j = 0;
  for (; j + kLine <= cols; j += kLine) {
#pragma GCC unroll 8
    for (int s = 0; s < Steps; ++s) __builtin_prefetch(right + (s + kFetchedRows) * t.right_k + j, 0, 2);
#pragma GCC unroll 8
    for (int64_t part = j; part < j + kLine; part += R::kLanes)
      few_rows_columns<T, Stored, MR, Steps, true>(a, right + part, t.right_k, R::kLanes, first, piece(part));
  }
  for (; j + R::kLanes <= cols; j += R::kLanes)
    few_rows_columns<T, Stored, MR, Steps, true>(a, right + j, t.right_k, R::kLanes, first, piece(j));
  if (j < cols) few_rows_columns<T, Stored, MR, Steps, false>(a, right + j, t.right_k, cols - j, first, piece(j));
}

template <class T, class Stored, int MR>
void strip_along_columns(const Tile<T>& t, const Source& right, int64_t cols) {
  constexpr int kSteps = kStepsOf<MR>;
  constexpr int64_t kCols = kPieceCols<T, MR>;
  for (int64_t col = 0; col < cols; col += kCols) {
    const int64_t n = least(kCols, cols - col);
    alignas(64) T chains[MR][kCols];
    const T* left = t.left;
    const Stored* row = reinterpret_cast<const Stored*>(right.at) + col;
    int64_t k = 0;
    for (; k + kSteps <= t.depth; k += kSteps, left += kSteps * t.left_k, row += kSteps * t.right_k)
      few_rows_steps<T, Stored, MR, kSteps>(t, left, row, n, k == 0, chains);
    for (; k < t.depth; ++k, left += t.left_k, row += t.right_k)
      few_rows_steps<T, Stored, MR, 1>(t, left, row, n, k == 0, chains);
    for (int i = 0; i < MR; ++i)
      for (int64_t j = 0; j < n; j += Register<T>::kLanes)
        join_sum(Register<T>::load(&chains[i][j]), t.out + i * t.out_row + col + j, n - j, t.add);
  }
}

// ------------------------------------------------------------ along K

inline constexpr int64_t kTurnedSteps = 32;  // at once: an even number, of a line or two of each column

// Registers of columns that go together: two where there is room for their chains, so that no step waits for the last.
template <int MR>
inline constexpr int kColumnRegisters = 2 * MR <= kAccumulators ? 2 : 1;

template <class T, int MR>
using Chains = Register<T>[MR][kColumnRegisters<MR>];

template <class T, int MR>
PT_FN void clear_chains(Chains<T, MR>& chain) {
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
    for (int g = 0; g < kColumnRegisters<MR>; ++g) chain[i][g] = Register<T>::zero();
}

// A step of K for MR rows; columns(g) is register g of the columns of B.
template <class T, int MR, class Columns>
PT_FN void along_step(const T* left, int64_t left_row, Columns columns, Chains<T, MR>& chain) {
  Register<T> b[kColumnRegisters<MR>];
#pragma GCC unroll 2
  for (int g = 0; g < kColumnRegisters<MR>; ++g) b[g] = columns(g);
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) {
    const Register<T> a = broadcast_once(left + i * left_row);
#pragma GCC unroll 2
    for (int g = 0; g < kColumnRegisters<MR>; ++g) chain[i][g] = fma(a, b[g], chain[i][g]);
  }
}

// How a column of B is brought to T: as it lies; two of bf16 as one number of 32 bits, and widened behind the turn; or
// widened before it.
enum class Turn { Plain, Pairs, Widened };

// Steps [k, k + steps) of n columns, at most kCols, as rows of kCols. Those of the next columns are fetched.
template <class T, Turn kTurn, int64_t kCols>
__attribute__((noinline)) void turn_columns(const Source& right, int64_t n, int64_t k, int64_t steps, T* turned) {
  const int64_t size = element_size<T>(right.type);
  for (int64_t i = 0; i < kCols; ++i)
    for (int64_t at = k * size; at < (k + steps) * size; at += kLineBytes)
      __builtin_prefetch(right.at + (kCols + i) * right.col * size + at, 0, 2);
  const char* from = right.at + k * size;
  if constexpr (kTurn == Turn::Widened) {
    T wide[kCols * kTurnedSteps];
    load_half_block<T>({from, right.type, right.col, 1}, n, steps, wide, kTurnedSteps);
    copy_transposed(wide, kTurnedSteps, n, steps, turned, kCols);
  } else {
    constexpr int64_t kTogether = kTurn == Turn::Pairs ? 2 : 1;
    copy_transposed(reinterpret_cast<const T*>(from), right.col / kTogether, n, steps / kTogether, turned, kCols);
  }
}

// The last step of an odd K, of which pairs hold none.
template <int MR>
PT_FN void last_of_pairs(const float* left, int64_t left_row, const Source& right, int64_t n, int64_t k,
                         Chains<float, MR>& chain) {
  constexpr int64_t kLanes = Register<float>::kLanes;
  bf16 last[kColumnRegisters<MR> * kLanes] = {};
  for (int64_t i = 0; i < n; ++i) last[i] = reinterpret_cast<const bf16*>(right.at)[i * right.col + k];
  along_step<float, MR>(
      left, left_row, [&](int g) { return load_wide(last + g * kLanes); }, chain);
}

template <class T, Turn kTurn, int MR>
void strip_along_k(const Tile<T>& t, const Source& all, int64_t cols) {
  using R = Register<T>;
  constexpr int64_t kCols = kColumnRegisters<MR> * R::kLanes;
  Source right = all;
  alignas(64) T turned[kTurnedSteps * kCols] = {};
  for (int64_t col = 0; col < cols; col += kCols, right.at += kCols * right.col * element_size<T>(right.type)) {
    const int64_t n = least(kCols, cols - col);
    Chains<T, MR> chain;
    clear_chains<T, MR>(chain);
    const T* left = t.left;
    for (int64_t k = 0; k < t.depth; k += kTurnedSteps) {
      const int64_t steps = least(kTurnedSteps, t.depth - k);
      turn_columns<T, kTurn, kCols>(right, n, k, steps, turned);
      const auto column = [&](int64_t row, int g) { return R::load(turned + row * kCols + g * R::kLanes); };
      if constexpr (kTurn == Turn::Pairs) {
        for (int64_t s = 0; s + 2 <= steps; s += 2, left += 2 * t.left_k) {
          along_step<T, MR>(
              left, t.left_row, [&](int g) { return first_of_pairs(column(s / 2, g)); }, chain);
          along_step<T, MR>(
              left + t.left_k, t.left_row, [&](int g) { return second_of_pairs(column(s / 2, g)); }, chain);
        }
        if (steps % 2 != 0) last_of_pairs<MR>(left, t.left_row, right, n, k + steps - 1, chain);
      } else {
        for (int64_t s = 0; s < steps; ++s, left += t.left_k)
          along_step<T, MR>(
              left, t.left_row, [&](int g) { return column(s, g); }, chain);
      }
    }
    for (int i = 0; i < MR; ++i)
      for (int64_t g = 0; g * R::kLanes < n; ++g)
        join_sum(chain[i][g], t.out + i * t.out_row + col + g * R::kLanes, n - g * R::kLanes, t.add);
  }
}

// ------------------------------------------------------------ any number of rows

template <class T>
using StripFn = void (*)(const Tile<T>&, const Source&, int64_t cols);

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

template <class T, int MR = kStripRows>
inline StripFn<T> find_strip(int64_t rows, const Source& right) {
  if constexpr (MR > 1) {
    if (rows < MR) return find_strip<T, MR - 1>(rows, right);
  }
  return strip_of<T, MR>(right);
}

template <class T>
void multiply_few_rows(Tile<T> t, const Source& right, int64_t rows, int64_t cols) {
  const Strips strips(rows, kStripRows);
  const StripFn<T> short_strip = find_strip<T>(strips.rows, right),
                   long_strip = find_strip<T>(strips.rows_of(0), right);
  const int64_t piece = strips.count > 1 ? kNearCols : cols;
  t.right_k = right.row;
  for (int64_t col = 0; col < cols; col += piece) {
    Source from = right;
    from.at += col * right.col * element_size<T>(right.type);
    Tile<T> strip = t;
    strip.out += col;
    for (int64_t s = 0; s < strips.count; ++s) {
      (s < strips.longer ? long_strip : short_strip)(strip, from, least(piece, cols - col));
      strip.left += strips.rows_of(s) * t.left_row;
      strip.out += strips.rows_of(s) * t.out_row;
    }
  }
}

}  // namespace PT_ISA
}  // namespace pt
