// The weights are computed again from the saved log-sum-exp. One chunk is one head of the keys: it walks over blocks of
// queries, then of keys, so that every gradient is a sum in ascending order, whichever thread does it.
#pragma once
#include "ops/attention/block.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct BackwardBlocks {
  T *q_rows, *q_columns, *dout_rows, *dout_columns, *dq_rows;
  T *scores, *dscores;
  T *k_rows, *v_rows, *dk_rows, *dv_rows;  // of all keys
  T *lse, *dot;                            // per query; dot is the sum of dout * out
  BackwardBlocks(const AttentionDesc& d, char* memory) {
    T* scratch = reinterpret_cast<T*>(memory);
    q_rows = scratch + d.q_rows, q_columns = scratch + d.q_columns;
    dout_rows = scratch + d.dout_rows, dout_columns = scratch + d.dout_columns, dq_rows = scratch + d.dq_rows;
    k_rows = scratch + d.k_rows, v_rows = scratch + d.v_rows;
    scores = scratch + d.scores, dscores = scratch + d.dscores;
    dk_rows = scratch + d.dk_rows, dv_rows = scratch + d.dv_rows;
    lse = scratch + d.per_query, dot = lse + d.padded_block;
  }
};

// Everything of a block of queries that does not depend on the keys.
template <class T>
inline void load_queries(const AttentionDesc& d, const KernelArgs* args, int64_t batch, int64_t head, int64_t query,
                         int64_t n, const BackwardBlocks<T>& b) {
  using V = vec<T, kQueryLanes>;
  load_rows(d, d.q, head_rows(d, d.q, args->data[0], batch, head, query), n, b.q_rows);
  scale_rows(d, n, b.q_rows);
  turn_rows(d, b.q_rows, n, b.q_columns);
  load_rows(d, d.dout, head_rows(d, d.dout, args->data[5], batch, head, query), n, b.dout_rows);
  turn_rows(d, b.dout_rows, n, b.dout_columns);
  // The place of dq holds out until dq's sum begins.
  load_rows(d, d.out, head_rows(d, d.out, args->data[3], batch, head, query), n, b.dq_rows);
  for (int64_t i = 0; i < d.padded_block; ++i) b.dot[i] = 0, b.lse[i] = -kMinusInfinity<T>;
  for (int64_t i = 0; i < n; ++i) {
    const T *dout = b.dout_rows + i * d.padded_size, *out = b.dq_rows + i * d.padded_size;
    V sum(0);
    for (int64_t e = 0; e < d.padded_size; e += kQueryLanes) sum = fma(V::load(dout + e), V::load(out + e), sum);
    b.dot[i] = sum_tree(sum);
  }
  const T* lse = reinterpret_cast<const T*>(args->data[4]) + (batch * d.heads + head) * d.queries + query;
  for (int64_t i = 0; i < n; i += kQueryLanes) {
    const V saved = V::load_n(lse + i, n - i);
    // A query that saw no key has no weights: exp of anything minus infinity.
    const V used = select(saved == V(kMinusInfinity<T>), V(-kMinusInfinity<T>), saved);
    store_n(b.lse + i, used, n - i);
  }
  fill_zero(b.dq_rows, d.padded_size, n, d.padded_size);
}

// scores become the weights, dscores (the products of dout and v) the gradient of the scores.
template <class T>
inline void differentiate_softmax(const AttentionDesc& d, const AttentionBlock& block, const BackwardBlocks<T>& b) {
  using V = vec<T, kQueryLanes>;
  for (int64_t lane = 0; lane < d.padded_block; lane += kQueryLanes) {
    hide_scores(d, block, lane, b.scores);
    const V lse = V::load(b.lse + lane), dot = V::load(b.dot + lane);
    const int64_t seen = block.whole ? block.n_keys : block.seen(d, lane);
    for (int64_t k = 0; k < block.n_keys; ++k) {
      const int64_t at = k * d.padded_block + lane;
      // What no query of the group sees was not computed, but the gradients of keys read across groups.
      const V weight = k < seen ? exp(V::load(b.scores + at) - lse) : V(0);
      store(b.scores + at, weight);
      store(b.dscores + at, k < seen ? weight * (V::load(b.dscores + at) - dot) : V(0));
    }
  }
}

template <class T>
inline void backward_block(const AttentionDesc& d, const BackwardBlocks<T>& b, const AttentionBlock& block) {
  const int64_t keys = block.key * d.padded_size;
  block_product(d, block, b.k_rows + keys, b.q_columns, b.scores);
  block_product(d, block, b.v_rows + keys, b.dout_columns, b.dscores);
  differentiate_softmax(d, block, b);
  add_to_keys(d, block, b.scores, b.dout_rows, b.dv_rows + keys);
  add_to_keys(d, block, b.dscores, b.q_rows, b.dk_rows + keys);
  add_to_queries(d, block, b.dscores, b.k_rows + keys, b.dq_rows);
}

template <class T>
void attention_backward(const KernelArgs* args, int64_t chunk) {
  const AttentionDesc& d = *static_cast<const AttentionDesc*>(args->desc);
  const int64_t batch = chunk / d.kv_heads, kv_head = chunk % d.kv_heads, group = d.heads / d.kv_heads;
  const BackwardBlocks<T> b(d, args->scratch);
  load_rows(d, d.k, head_rows(d, d.k, args->data[1], batch, kv_head, 0), d.keys, b.k_rows);
  load_rows(d, d.v, head_rows(d, d.v, args->data[2], batch, kv_head, 0), d.keys, b.v_rows);
  fill_zero(b.dk_rows, d.padded_size, d.keys, d.padded_size);
  fill_zero(b.dv_rows, d.padded_size, d.keys, d.padded_size);
  for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    for (int64_t query = 0; query < d.queries; query += d.query_block) {
      const int64_t n = attention_least(d.query_block, d.queries - query);
      load_queries(d, args, batch, head, query, n, b);
      const int64_t visible = visible_keys(d, query + n);
      for (int64_t key = 0; key < visible; key += kKeyBlock) {
        backward_block(d, b, AttentionBlock(d, key, query, n));
      }
      // The scores were made from scaled queries, so dk is complete; dq is not.
      scale_rows(d, n, b.dq_rows);
      store_rows(d, d.dq, b.dq_rows, n, head_rows(d, d.dq, args->data[6], batch, head, query));
    }
  }
  store_rows(d, d.dk, b.dk_rows, d.keys, head_rows(d, d.dk, args->data[7], batch, kv_head, 0));
  store_rows(d, d.dv, b.dv_rows, d.keys, head_rows(d, d.dv, args->data[8], batch, kv_head, 0));
}

}  // namespace PT_ISA
}  // namespace pt
