// Products of a few rows whose right operand lies along K: as many columns at a time as a register has lanes, turned in
// registers or in the first cache, so that chains stay in registers. Lines that are needed soon are fetched meanwhile.
#pragma once
#include "core/integers.h"
#include "ops/matmul/copy.h"
#include "ops/matmul/tile.h"
#include "simd/turn_registers.h"

namespace pt {
namespace PT_ISA {

inline constexpr int64_t kLineBytes = 64;

// What a chain adds to C: the first n lanes of a register.
template <class T>
PT_FN void join_sum(Register<T> chain, T* out, int64_t n, bool add) {
  using R = Register<T>;
  if (n >= R::kLanes) return (add ? R::load(out) + chain : chain).store(out);
  const int some = static_cast<int>(n);
  (add ? R::load_first(out, some) + chain : chain).store_first(out, some);
}

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

// Steps that are turned at once: a line of each column, and so an even number.
template <class T, Turn kTurn>
inline constexpr int64_t kTurnedSteps = kLineBytes / (kTurn == Turn::Plain ? sizeof(T) : sizeof(uint16_t));

// A line of each of kCols columns.
template <int64_t kCols>
PT_FN void turn_lines(const char* from, int64_t apart, float* turned) {
  using R = Register<float>;
  for (int64_t col = 0; col < kCols; col += R::kLanes, from += R::kLanes * apart) {
    R steps[R::kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < R::kLanes; ++i) steps[i] = R::load(reinterpret_cast<const float*>(from + i * apart));
    turn_registers(steps);
#pragma GCC unroll 16
    for (int i = 0; i < R::kLanes; ++i) steps[i].store(turned + i * kCols + col);
  }
}

// Steps [k, k + steps) of n columns, at most kCols, as rows of kCols.
template <class T, Turn kTurn, int64_t kCols>
__attribute__((noinline)) void turn_columns(const Source& right, int64_t n, int64_t k, int64_t steps, T* turned) {
  constexpr int64_t kSteps = kTurnedSteps<T, kTurn>;
  const int64_t size = element_size<T>(right.type);
  const char* from = right.at + k * size;
  if constexpr (kTurn == Turn::Widened) {
    T wide[kCols * kSteps];
    load_half_block<T>({from, right.type, right.col, 1}, n, steps, wide, kSteps);
    copy_transposed(wide, kSteps, n, steps, turned, kCols);
  } else {
    if constexpr (kTurnsRegisters && sizeof(T) == sizeof(float)) {
      if (n == kCols && steps == kSteps) return turn_lines<kCols>(from, right.col * size, turned);
    }
    constexpr int64_t kTogether = kTurn == Turn::Pairs ? 2 : 1;
    copy_transposed(reinterpret_cast<const T*>(from), right.col / kTogether, n, steps / kTogether, turned, kCols);
  }
}

// The next `cols` columns are fetched line by line, one column after the other, as they lie: so processors see a stream
// too. A few lines at each step, since loads wait for a place behind many that are asked for at once.
class ColumnsAhead {
 public:
  ColumnsAhead(const Source& right, int64_t size, int64_t cols, GroupOfK group)
      : apart_(right.col * size), bytes_(group.depth * size) {
    const int64_t done = group.begun * size * cols;
    column_ = right.at - group.begun * size + (cols + done / bytes_) * apart_;
    at_ = done % bytes_;
  }
  PT_FN void fetch(int64_t lines) {
    for (; lines > 0; --lines) {
      __builtin_prefetch(column_ + at_, 0, 2);
      at_ += kLineBytes;
      if (at_ >= bytes_) at_ = 0, column_ += apart_;
    }
  }

 private:
  int64_t apart_, bytes_, at_;
  const char* column_;
};

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
void strip_along_k(const Tile<T>& t, const Source& all, int64_t cols, GroupOfK group) {
  using R = Register<T>;
  constexpr int64_t kCols = kColumnRegisters<MR> * R::kLanes, kSteps = kTurnedSteps<T, kTurn>;
  Source right = all;
  alignas(64) T turned[kSteps * kCols] = {};
  for (int64_t col = 0; col < cols; col += kCols, right.at += kCols * right.col * element_size<T>(right.type)) {
    const int64_t n = least(kCols, cols - col);
    Chains<T, MR> chain;
    clear_chains<T, MR>(chain);
    ColumnsAhead ahead(right, element_size<T>(right.type), kCols, group);
    const T* left = t.left;
    for (int64_t k = 0; k < t.depth; k += kSteps) {
      const int64_t steps = least(kSteps, t.depth - k);
      turn_columns<T, kTurn, kCols>(right, n, k, steps, turned);
      const auto fetch = [&](int64_t s, int64_t end) { ahead.fetch(end * kCols / kSteps - s * kCols / kSteps); };
      const auto column = [&](int64_t row, int g) { return R::load(turned + row * kCols + g * R::kLanes); };
      if constexpr (kTurn == Turn::Pairs) {
        for (int64_t s = 0; s + 2 <= steps; s += 2, left += 2 * t.left_k) {
          fetch(s, s + 2);
          along_step<T, MR>(
              left, t.left_row, [&](int g) { return first_of_pairs(column(s / 2, g)); }, chain);
          along_step<T, MR>(
              left + t.left_k, t.left_row, [&](int g) { return second_of_pairs(column(s / 2, g)); }, chain);
        }
        if (steps % 2 != 0) last_of_pairs<MR>(left, t.left_row, right, n, k + steps - 1, chain);
      } else {
        for (int64_t s = 0; s < steps; ++s, left += t.left_k) {
          fetch(s, s + 1);
          along_step<T, MR>(
              left, t.left_row, [&](int g) { return column(s, g); }, chain);
        }
      }
    }
    for (int i = 0; i < MR; ++i)
      for (int64_t g = 0; g * R::kLanes < n; ++g)
        join_sum(chain[i][g], t.out + i * t.out_row + col + g * R::kLanes, n - g * R::kLanes, t.add);
  }
}

}  // namespace PT_ISA
}  // namespace pt
