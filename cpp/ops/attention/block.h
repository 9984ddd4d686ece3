// The parts that the forward and the backward of attention share: blocks of rows brought into scratch, products of
// blocks with the inner loop of the matrix product, and the causal mask.
#pragma once
#include "ops/attention/desc.h"
#include "ops/matmul/copy.h"
#include "ops/matmul/desc.h"
#include "ops/matmul/tile.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

inline constexpr int64_t kQueryLanes = 16;

inline int64_t attention_least(int64_t a, int64_t b) { return a < b ? a : b; }

template <class T>
inline constexpr T kMinusInfinity = -static_cast<T>(__builtin_inff());

// Rows row.. of one head.
inline char* head_rows(const AttentionDesc& d, const AttentionMatrix& m, char* base, int64_t batch, int64_t head,
                       int64_t row) {
  const int64_t bytes = is_half(d.type) ? 2 : d.type == DType::F64 ? 8 : 4;
  return base + (batch * m.batch + head * m.head + row * m.row) * bytes;
}

// n rows, in the compute dtype, each padded with zeros to whole vectors.
template <class T>
inline void load_rows(const AttentionDesc& d, const AttentionMatrix& m, const char* at, int64_t n, T* rows) {
  load_block(Source{at, d.type, m.row, m.element}, n, d.size, rows, d.padded_size, static_cast<T*>(nullptr));
  if (d.padded_size > d.size) fill_zero(rows + d.size, d.padded_size, n, d.padded_size - d.size);
}

template <class T>
inline void store_rows(const AttentionDesc& d, const AttentionMatrix& m, const T* rows, int64_t n, char* at) {
  store_block(rows, d.padded_size, n, d.size, Target{at, d.type, m.row, m.element});
}

// columns[element][query]: queries are the lanes. Those past n are zero.
template <class T>
inline void turn_rows(const AttentionDesc& d, const T* rows, int64_t n, T* columns) {
  copy_transposed(rows, d.padded_size, n, d.size, columns, d.padded_block);
  if (d.padded_block > n) fill_zero(columns + n, d.padded_block, d.size, d.padded_block - n);
}

template <class T>
inline void scale_rows(const AttentionDesc& d, int64_t n, T* rows) {
  const T scale = static_cast<T>(d.scale);
  for (int64_t i = 0; i < n * d.padded_size; ++i) rows[i] *= scale;
}

template <class T>
struct LeftOperand {
  const T* at;
  int64_t row, k;
};

// out (+)= left right, over blocks of kBlockDepth as every product. Rows of `right` are padded to whole vectors.
template <class T>
inline void add_product(LeftOperand<T> left, const T* right, int64_t right_row, T* out, int64_t out_row, int64_t rows,
                        int64_t cols, int64_t depth, bool add) {
  const int64_t width = panel_width<T>(rows);
  for (int64_t k = 0; k < depth; k += kBlockDepth, add = true) {
    const int64_t block = attention_least(kBlockDepth, depth - k);
    for (int64_t col = 0; col < cols; col += width) {
      const Tile<T> tile{left.at + k * left.k,
                         left.row,
                         left.k,
                         right + k * right_row + col,
                         right_row,
                         out + col,
                         out_row,
                         block,
                         0,
                         add};
      multiply_panel(tile, rows, attention_least(width, cols - col), true);
    }
  }
}

// How many keys the queries before `query` see.
inline int64_t visible_keys(const AttentionDesc& d, int64_t query) {
  if (!d.causal) return d.keys;
  const int64_t visible = query + d.keys - d.queries;
  return visible < 0 ? 0 : attention_least(visible, d.keys);
}

// scores[key][query] of the block at (key, query), minus infinity where the query does not see the key.
template <class T>
inline void block_scores(const AttentionDesc& d, const T* k_rows, const T* q_columns, int64_t key, int64_t n_keys,
                         int64_t query, T* scores) {
  add_product(LeftOperand<T>{k_rows, d.padded_size, 1}, q_columns, d.padded_block, scores, d.padded_block, n_keys,
              d.padded_block, d.size, false);
  if (!d.causal) return;
  for (int64_t j = 0; j < n_keys; ++j) {
    // The first query that sees this key.
    const int64_t first = key + j - (d.keys - d.queries) - query;
    const int64_t hidden = attention_least(first, d.padded_block);
    for (int64_t i = 0; i < hidden; ++i) scores[j * d.padded_block + i] = kMinusInfinity<T>;
  }
}

}  // namespace PT_ISA
}  // namespace pt
