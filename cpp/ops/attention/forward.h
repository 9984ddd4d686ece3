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

template <class T>
inline void finish_queries(const AttentionDesc& d, T* sums, const T* maximum, T* sum, int64_t n, T* lse) {
  using V = vec<T, kQueryLanes>;
  for (int64_t i = 0; i < n; i += kQueryLanes) {
    const V total = V::load(sum + i), shift = V::load(maximum + i);
    store_n(lse + i, shift + log(total), n - i);
    // A query that saw no key has sums of zero.
    store(sum + i, select(total == V(0), V(1), total));
  }
  for (int64_t i = 0; i < n; ++i) {
    T* row = sums + i * d.padded_size;
    for (int64_t e = 0; e < d.padded_size; ++e) row[e] /= sum[i];
  }
}

template <class T>
void attention_forward(const KernelArgs* args, int64_t chunk) {
  const AttentionDesc& d = *static_cast<const AttentionDesc*>(args->desc);
  const int64_t query = chunk % d.query_blocks * d.query_block;
  const int64_t head = chunk / d.query_blocks % d.heads, batch = chunk / d.query_blocks / d.heads;
  const int64_t n = attention_least(d.query_block, d.queries - query), kv_head = head / (d.heads / d.kv_heads);
  T* scratch = reinterpret_cast<T*>(args->scratch);
  T *q_rows = scratch + d.q_rows, *q_columns = scratch + d.q_columns, *scores = scratch + d.scores;
  T *k_rows = scratch + d.k_rows, *v_rows = scratch + d.v_rows, *sums = scratch + d.sums;
  T *maximum = scratch + d.per_query, *sum = maximum + d.padded_block, *rescale = sum + d.padded_block;

  load_rows(d, d.q, head_rows(d, d.q, args->data[0], batch, head, query), n, q_rows);
  scale_rows(d, n, q_rows);
  turn_rows(d, q_rows, n, q_columns);
  fill_zero(sums, d.padded_size, n, d.padded_size);
  for (int64_t i = 0; i < d.padded_block; ++i) maximum[i] = kMinusInfinity<T>, sum[i] = 0;

  const int64_t visible = visible_keys(d, query + n);
  for (int64_t key = 0; key < visible; key += kKeyBlock) {
    const int64_t n_keys = attention_least(kKeyBlock, d.keys - key);
    load_rows(d, d.k, head_rows(d, d.k, args->data[1], batch, kv_head, key), n_keys, k_rows);
    load_rows(d, d.v, head_rows(d, d.v, args->data[2], batch, kv_head, key), n_keys, v_rows);
    block_scores(d, k_rows, q_columns, key, n_keys, query, scores);
    for (int64_t i = 0; i < d.padded_block; i += kQueryLanes) {
      softmax_step(scores + i, d.padded_block, n_keys, maximum + i, sum + i, rescale + i);
    }
    for (int64_t i = 0; i < n && key > 0; ++i) multiply_row(sums + i * d.padded_size, d.padded_size, rescale[i]);
    add_product(LeftOperand<T>{scores, 1, d.padded_block}, v_rows, d.padded_size, sums, d.padded_size, n, d.size,
                n_keys, true);
  }
  T* lse = reinterpret_cast<T*>(args->data[4]) + (batch * d.heads + head) * d.queries + query;
  finish_queries(d, sums, maximum, sum, n, lse);
  store_rows(d, d.out, sums, n, head_rows(d, d.out, args->data[3], batch, head, query));
}

}  // namespace PT_ISA
}  // namespace pt
