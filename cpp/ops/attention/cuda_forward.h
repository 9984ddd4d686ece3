// Softmax over blocks of keys that are never kept: a running maximum and sum per query, and earlier results are
// rescaled when the maximum grows. A block has 64 queries, and walks over the keys that they see.
// Source: Milakov & Gimelshein 2018; Dao et al. 2022.
#pragma once
#include "ops/attention/cuda_block.h"

namespace pt::cuda {

// Of the half warp that has the same rows.
template <class T, class Combine>
PT_DEVICE T over_row(T value, Combine combine) {
#pragma unroll
  for (int by = 8; by > 0; by /= 2) value = combine(value, __shfl_xor_sync(0xffffffff, value, by));
  return value;
}

template <class T>
struct RunningSoftmax {
  T maximum[ScoreTile::kRowsEach], sum[ScoreTile::kRowsEach];
};

// Turns the scores of a thread's rows into weights relative to the new maximum; rescale receives what earlier results
// are to be multiplied with.
template <class T>
PT_DEVICE void softmax_step(const AttentionProblem& p, int64_t query, int64_t key, TileSums<T, ScoreTile>& scores,
                            RunningSoftmax<T>& running, T (&rescale)[ScoreTile::kRowsEach]) {
  const T scale = T(p.scale);
#pragma unroll
  for (int i = 0; i < ScoreTile::kRowsEach; ++i) {
    const T before = running.maximum[i];
    T highest = before, total = 0;
#pragma unroll
    for (int j = 0; j < ScoreTile::kColsEach; ++j) {
      T& score = scores.at[i][j];
      score = sees(p, query + score_row<T>(i), key + score_col<T>(j)) ? score * scale : -T(INFINITY);
      highest = score > highest ? score : highest;
    }
    highest = over_row(highest, [](T a, T b) { return a > b ? a : b; });
    // A query that has seen no key yet: infinity minus infinity is not a number.
    const T shift = highest == -T(INFINITY) ? T(0) : highest;
#pragma unroll
    for (int j = 0; j < ScoreTile::kColsEach; ++j) {
      scores.at[i][j] = exp_of(scores.at[i][j] - shift);
      total += scores.at[i][j];
    }
    rescale[i] = exp_of(before - shift);
    running.maximum[i] = highest;
    running.sum[i] = fma(running.sum[i], rescale[i], over_row(total, [](T a, T b) { return a + b; }));
  }
}

// Operands: q, k, v, out, lse.
template <class T, int kPart, bool kConverts>
PT_DEVICE void attend(const Operands<5>& operands, const AttentionProblem& p, AttentionMemory<T, kPart>& memory) {
  using Result = ResultTile<kPart>;
  for (int64_t block = blockIdx.x; block < attention_blocks(p, p.heads); block += gridDim.x) {
    const AttentionPlace at = attention_place(p, p.heads, block);
    const auto q = rows_as_lines<T, kConverts>(p, p.q, p.q_vectors, operands.at[0], at.batch, at.head, p.queries);
    const auto k =
        rows_as_lines<T, kConverts>(p, p.k, p.k_vectors, operands.at[1], at.batch, kv_head(p, at.head), p.keys);
    const auto v =
        elements_as_lines<T, kConverts>(p, p.v, p.v_vectors, operands.at[2], at.batch, kv_head(p, at.head), p.keys);
    TileSums<T, Result> sums = {};
    RunningSoftmax<T> running;
#pragma unroll
    for (int i = 0; i < ScoreTile::kRowsEach; ++i) running.maximum[i] = -T(INFINITY), running.sum[i] = 0;
    const int64_t last = at.row + kAttentionRows < p.queries ? at.row + kAttentionRows : p.queries;
    for (int64_t key = 0; key < visible_keys(p, last); key += kAttentionRows) {
      TileSums<T, ScoreTile> scores = {};
      add_tile(memory.tiles, q, k, at.row, key, 0, p.size, scores);
      T rescale[ScoreTile::kRowsEach];
      softmax_step(p, at.row, key, scores, running, rescale);
#pragma unroll
      for (int i = 0; i < Result::kRowsEach; ++i)
#pragma unroll
        for (int j = 0; j < Result::kColsEach; ++j) sums.at[i][j] *= rescale[i];
      keep_weights(scores, memory.weights);
      add_weighted(memory, v, at.part, key, sums);
    }
#pragma unroll
    for (int i = 0; i < ScoreTile::kRowsEach; ++i) {
      const int64_t query = at.row + score_row<T>(i);
      if (at.part == 0 && col_thread<ScoreTile>() == 0 && query < p.queries)
        reinterpret_cast<T*>(operands.at[4])[(at.batch * p.heads + at.head) * p.queries + query] =
            running.maximum[i] + log_of(running.sum[i]);
      // A query that saw no key has sums of zero.
      const T total = running.sum[i] == T(0) ? T(1) : running.sum[i];
#pragma unroll
      for (int j = 0; j < Result::kColsEach; ++j) sums.at[i][j] /= total;
    }
    store_tile(sums, at.row, at.part, head_result<T>(p, p.out, operands.at[3], at.batch, at.head, p.queries));
    __syncthreads();  // the next block writes where this one was read
  }
}

}  // namespace pt::cuda
