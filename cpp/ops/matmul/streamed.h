// A region of few rows, whose right operand is read once, in place (few_rows.h).
#pragma once
#include "ops/matmul/region.h"

namespace pt {
namespace PT_ISA {

inline constexpr int64_t kColsAlongK = 32;  // of which all of a group of K is read before the next ones, as it lies

template <class T, class Left>
inline void multiply_streamed(Left& left, const StridedRight<T>& right, int64_t rows, int64_t cols, int64_t k_begin,
                              int64_t k_end, const Sums<T>& s) {
  const int64_t width = right.source.col == 1 ? cols : kColsAlongK;
  sum_groups(rows, cols, k_begin, k_end, s, [&](int64_t group, int64_t end, T* out, int64_t out_row, bool add) {
    for (int64_t col = 0; col < cols; col += width) {
      for (int64_t k = group; k < end; k += kBlockDepth) {
        const int64_t depth = least(kBlockDepth, end - k);
        const LeftBlock<T> a = left.block(k, depth);
        const Tile<T> tile = {a.at, a.row, a.k, nullptr, 0, out + col, out_row, depth, 0, add || k > group};
        multiply_few_rows(tile, right.at(k, col), rows, least(width, cols - col), {k - group, end - group});
      }
    }
  });
}

}  // namespace PT_ISA
}  // namespace pt
