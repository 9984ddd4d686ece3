// How rows join the chains of their columns, eight at a time or, where a row is short, with the chains in registers.
#pragma once
#include "ops/fused/row_reduce.h"
#include "ops/reduce/combine.h"

namespace pt {
namespace PT_ISA {

constexpr int kRows = 8;  // rows that are added in one pass over the accumulators

template <class Op, class T>
PT_FN void combine_into(T* into, const T* from, int64_t width) {
  for (int64_t i = 0; i < width; ++i) into[i] = Op::one(into[i], from[i]);
}

// Ascending rows into the chains. Only the last vector is partial: the accumulators are padded, the rows are not.
template <class Op, class T, int kCount>
PT_FN void add_rows(T* chain, const T* const* row, int64_t width) {
  using V = vec<T, 16>;
  int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    V sum = V::load(chain + i);
    PT_UNROLL for (int k = 0; k < kCount; ++k) sum = Op::all(sum, V::load(row[k] + i));
    store(chain + i, sum);
  }
  if (i < width) {
    V sum = V::load(chain + i);
    PT_UNROLL for (int k = 0; k < kCount; ++k) sum = Op::all(sum, V::load_n(row[k] + i, width - i));
    store(chain + i, sum);
  }
}

// `rows` rows, ascending; row_at(k) brings row k, and serves kRows of them at once.
template <class Op, class T, class RowAt>
PT_FN void add_each_row(T* chain, int64_t rows, int64_t width, RowAt row_at) {
  const T* row[kRows];
  int64_t k = 0;
  for (; k + kRows <= rows; k += kRows) {
    for (int j = 0; j < kRows; ++j) row[j] = row_at(k + j);
    add_rows<Op, T, kRows>(chain, row, width);
  }
  for (; k < rows; ++k) {
    row[0] = row_at(k);
    add_rows<Op, T, 1>(chain, row, width);
  }
}

// A block of rows that are read in place and have at most kVectors vectors: their chains stay in registers.
template <class Op, class T, int kVectors>
PT_FN void add_narrow_block(T* chain, const T* row, int64_t stride, int64_t rows, int64_t width) {
  using V = vec<T, 16>;
  V sum[kVectors];
  PT_UNROLL for (int v = 0; v < kVectors; ++v) sum[v] = V::load(chain + v * 16);
  if (width == kVectors * 16) {
    for (int64_t k = 0; k < rows; ++k, row += stride)
      PT_UNROLL for (int v = 0; v < kVectors; ++v) sum[v] = Op::all(sum[v], V::load(row + v * 16));
  } else {
    constexpr int kLast = (kVectors - 1) * 16;
    for (int64_t k = 0; k < rows; ++k, row += stride) {
      PT_UNROLL for (int v = 0; v < kVectors - 1; ++v) sum[v] = Op::all(sum[v], V::load(row + v * 16));
      sum[kVectors - 1] = Op::all(sum[kVectors - 1], V::load_n(row + kLast, width - kLast));
    }
  }
  PT_UNROLL for (int v = 0; v < kVectors; ++v) store(chain + v * 16, sum[v]);
}

template <class Op, class T>
static void add_block_in_place(T* chain, const T* first, int64_t stride, int64_t rows, int64_t width) {
  switch ((width + 15) / 16) {
    case 1:
      return add_narrow_block<Op, T, 1>(chain, first, stride, rows, width);
    case 2:
      return add_narrow_block<Op, T, 2>(chain, first, stride, rows, width);
    case 3:
      return add_narrow_block<Op, T, 3>(chain, first, stride, rows, width);
    case 4:
      return add_narrow_block<Op, T, 4>(chain, first, stride, rows, width);
    default:
      break;
  }
  add_each_row<Op>(chain, rows, width, [&](int64_t k) { return first + k * stride; });
}

}  // namespace PT_ISA
}  // namespace pt
