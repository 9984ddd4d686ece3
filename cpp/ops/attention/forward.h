// Softmax over blocks of keys that are never kept: a running maximum and sum per query, and earlier results are
// rescaled when the maximum grows. Queries are the lanes, so that no step sums across a vector.
// Source: Milakov & Gimelshein 2018; Dao et al. 2022.
#pragma once
#include "ops/attention/block.h"

namespace pt {
namespace PT_ISA {

// Turns the scores of 16 queries into weights relative to the new maximum, and updates the running values.
template <class T>
inline void softmax_step(T* scores, int64_t row, int64_t n_keys, T* maximum, T* sum, T* rescale) {
  using V = vec<T, kQueryLanes>;
  const V before = V::load(maximum);
  V highest = before;
  for (int64_t j = 0; j < n_keys; ++j) highest = greater_of(V::load(scores + j * row), highest);
  // A query that has seen no key yet: infinity minus infinity is not a number.
  const V shift = select(highest == V(kMinusInfinity<T>), V(0), highest);
  V total(0);
  for (int64_t j = 0; j < n_keys; ++j) {
    const V weight = exp(V::load(scores + j * row) - shift);
    store(scores + j * row, weight);
    total = total + weight;
  }
  const V factor = exp(before - shift);
  store(maximum, highest);
  store(sum, fma(V::load(sum), factor, total));
  store(rescale, factor);
}

template <class T>
inline void multiply_row(T* row, int64_t n, T factor) {
  for (int64_t i = 0; i < n; ++i) row[i] *= factor;
}

// One block of queries on its way through the keys.
template <class T>
struct QueryBlock {
  int64_t query, n, visible;
  T *columns, *sums, *maximum, *sum, *rescale;
  QueryBlock(const AttentionDesc& d, T* scratch, int64_t first, int64_t block) {
    query = (first + block) * d.query_block;
    n = attention_least(d.query_block, d.queries - query);
    visible = visible_keys(d, query + n);
    columns = scratch + d.q_columns + block * d.size * d.padded_block;
    sums = scratch + d.sums + block * d.query_block * d.padded_size;
    maximum = scratch + d.per_query + block * 3 * d.padded_block;
    sum = maximum + d.padded_block;
    rescale = sum + d.padded_block;
  }
};

template <class T>
inline void begin_queries(const AttentionDesc& d, const char* q, T* q_rows, const QueryBlock<T>& b) {
  load_rows(d, d.q, q, b.n, q_rows);
  scale_rows(d, b.n, q_rows);
  turn_rows(d, q_rows, b.n, b.columns);
  fill_zero(b.sums, d.padded_size, b.n, d.padded_size);
  for (int64_t i = 0; i < d.padded_block; ++i) b.maximum[i] = kMinusInfinity<T>, b.sum[i] = 0;
}

template <class T>
inline void attend_to_keys(const AttentionDesc& d, const T* k_rows, const T* v_rows, int64_t key, T* scores,
                           const QueryBlock<T>& q) {
  const AttentionBlock b(d, key, q.query, q.n);
  block_product(d, b, k_rows, q.columns, scores);
  for (int64_t lane = 0; lane < d.padded_block; lane += kQueryLanes) {
    hide_scores(d, b, lane, scores);
    softmax_step(scores + lane, d.padded_block, b.whole ? b.n_keys : b.seen(d, lane), q.maximum + lane, q.sum + lane,
                 q.rescale + lane);
  }
  for (int64_t i = 0; i < q.n && key > 0; ++i) multiply_row(q.sums + i * d.padded_size, d.padded_size, q.rescale[i]);
  add_to_queries(d, b, scores, v_rows, q.sums);
}

template <class T>
inline void finish_queries(const AttentionDesc& d, const QueryBlock<T>& b, T* lse) {
  using V = vec<T, kQueryLanes>;
  for (int64_t i = 0; i < b.n; i += kQueryLanes) {
    const V total = V::load(b.sum + i), shift = V::load(b.maximum + i);
    store_n(lse + i, shift + log(total), b.n - i);
    // A query that saw no key has sums of zero.
    store(b.sum + i, select(total == V(0), V(1), total));
  }
  for (int64_t i = 0; i < b.n; ++i) {
    T* row = b.sums + i * d.padded_size;
    for (int64_t e = 0; e < d.padded_size; ++e) row[e] /= b.sum[i];
  }
}

template <class T>
void attention_forward(const KernelArgs* args, int64_t chunk) {
  const AttentionDesc& d = *static_cast<const AttentionDesc*>(args->desc);
  const int64_t first = chunk % d.groups * d.group, blocks = attention_least(d.group, d.query_blocks - first);
  const int64_t head = chunk / d.groups % d.heads, batch = chunk / d.groups / d.heads;
  const int64_t kv_head = head / (d.heads / d.kv_heads);
  T* scratch = reinterpret_cast<T*>(args->scratch);
  T *scores = scratch + d.scores, *k_rows = scratch + d.k_rows, *v_rows = scratch + d.v_rows;
  for (int64_t i = 0; i < blocks; ++i) {
    const QueryBlock<T> b(d, scratch, first, i);
    begin_queries(d, head_rows(d, d.q, args->data[0], batch, head, b.query), scratch + d.q_rows, b);
  }
  const int64_t visible = QueryBlock<T>(d, scratch, first, blocks - 1).visible;
  for (int64_t key = 0; key < visible; key += kKeyBlock) {
    const int64_t n_keys = attention_least(kKeyBlock, d.keys - key);
    load_rows(d, d.k, head_rows(d, d.k, args->data[1], batch, kv_head, key), n_keys, k_rows);
    load_rows(d, d.v, head_rows(d, d.v, args->data[2], batch, kv_head, key), n_keys, v_rows);
    for (int64_t i = 0; i < blocks; ++i) {
      const QueryBlock<T> b(d, scratch, first, i);
      if (key < b.visible) attend_to_keys(d, k_rows, v_rows, key, scores, b);
    }
  }
  for (int64_t i = 0; i < blocks; ++i) {
    const QueryBlock<T> b(d, scratch, first, i);
    finish_queries(d, b, reinterpret_cast<T*>(args->data[4]) + (batch * d.heads + head) * d.queries + b.query);
    store_rows(d, d.out, b.sums, b.n, head_rows(d, d.out, args->data[3], batch, head, b.query));
  }
}

}  // namespace PT_ISA
}  // namespace pt
