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
  const int64_t width = panel_width<T>(rows, LeftForm::Plain);
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

// A block of keys against a block of queries. On the diagonal of a causal mask the queries are taken in groups of 16,
// each with the keys that its last one sees: where queries are few, this is most of the work.
struct AttentionBlock {
  int64_t key, n_keys, query, n;
  bool whole;  // every query sees every key

  AttentionBlock(const AttentionDesc& d, int64_t first_key, int64_t first_query, int64_t n_queries)
      : key(first_key), n_keys(attention_least(kKeyBlock, d.keys - first_key)), query(first_query), n(n_queries) {
    whole = visible_keys(d, query + 1) >= key + n_keys;
  }
  // The keys of this block that some query of the group at `lane` sees.
  int64_t seen(const AttentionDesc& d, int64_t lane) const {
    const int64_t visible = visible_keys(d, query + lane + kQueryLanes) - key;
    return visible < 0 ? 0 : attention_least(visible, n_keys);
  }
  // The first query of this block that sees the key in that row.
  int64_t first_query_of(const AttentionDesc& d, int64_t row) const {
    const int64_t first = d.causal ? key + row - (d.keys - d.queries) - query : 0;
    return first < 0 ? 0 : attention_least(first, n);
  }
};

// product[key][query] = rows columns: the scores, or the products of v and dout.
template <class T>
inline void block_product(const AttentionDesc& d, const AttentionBlock& b, const T* rows, const T* columns,
                          T* product) {
  const LeftOperand<T> left{rows, d.padded_size, 1};
  const int64_t block = d.padded_block;
  if (b.whole) return add_product(left, columns, block, product, block, b.n_keys, block, d.size, false);
  for (int64_t lane = 0; lane < block; lane += kQueryLanes) {
    const int64_t seen = b.seen(d, lane);
    if (seen > 0) add_product(left, columns + lane, block, product + lane, block, seen, kQueryLanes, d.size, false);
  }
}

// out[query] += weights[key][query] rows[key].
template <class T>
inline void add_to_queries(const AttentionDesc& d, const AttentionBlock& b, const T* weights, const T* rows, T* out) {
  const int64_t row = d.padded_size, block = d.padded_block;
  if (b.whole) return add_product(LeftOperand<T>{weights, 1, block}, rows, row, out, row, b.n, d.size, b.n_keys, true);
  for (int64_t lane = 0; lane < b.n; lane += kQueryLanes) {
    const int64_t n = attention_least(kQueryLanes, b.n - lane);
    add_product(LeftOperand<T>{weights + lane, 1, block}, rows, row, out + lane * row, row, n, d.size, b.seen(d, lane),
                true);
  }
}

// out[key] += weights[key][query] rows[query].
template <class T>
inline void add_to_keys(const AttentionDesc& d, const AttentionBlock& b, const T* weights, const T* rows, T* out) {
  const int64_t row = d.padded_size, block = d.padded_block;
  const int64_t step = b.whole ? b.n_keys : kQueryLanes;
  for (int64_t k = 0; k < b.n_keys; k += step) {
    const int64_t first = b.first_query_of(d, k);
    add_product(LeftOperand<T>{weights + k * block + first, block, 1}, rows + first * row, row, out + k * row, row,
                attention_least(step, b.n_keys - k), d.size, b.n - first, true);
  }
}

// Scores that the mask hides become minus infinity, in the group at `lane`.
template <class T>
inline void hide_scores(const AttentionDesc& d, const AttentionBlock& b, int64_t lane, T* scores) {
  using V = vec<T, kQueryLanes>;
  if (b.whole) return;
  static constexpr T kNumbers[kQueryLanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const V number = V::load(kNumbers);
  for (int64_t k = b.seen(d, lane) - 1; k >= 0; --k) {
    const int64_t hidden = attention_least(b.first_query_of(d, k) - lane, kQueryLanes);
    if (hidden <= 0) return;  // nor are earlier keys hidden
    T* at = scores + k * d.padded_block + lane;
    store(at, select(number < V(static_cast<T>(hidden)), V(kMinusInfinity<T>), V::load(at)));
  }
}

}  // namespace PT_ISA
}  // namespace pt
