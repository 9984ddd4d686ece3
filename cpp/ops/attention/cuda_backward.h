// The weights are computed again from the saved log-sum-exp. One kernel has queries as rows, and walks over keys to the
// gradient of the queries; others have keys as rows, and walk over all queries of the heads that share them to the
// gradients of keys and values. So every gradient is a sum in one order, and nobody adds to what another block has.
#pragma once
#include "ops/attention/cuda_block.h"

namespace pt::cuda {

// scores become the weights, dscores (the products of v and dout) the gradients of the scores before they were scaled.
template <class T, bool kRowsAreKeys>
PT_DEVICE void differentiate_softmax(const AttentionProblem& p, int64_t row, int64_t col, const T* lse, const T* dot,
                                     TileSums<T, ScoreTile>& scores, TileSums<T, ScoreTile>& dscores) {
  const T scale = T(p.scale);
#pragma unroll
  for (int i = 0; i < ScoreTile::kRowsEach; ++i) {
#pragma unroll
    for (int j = 0; j < ScoreTile::kColsEach; ++j) {
      const int64_t at_row = row + score_row<T>(i), at_col = col + score_col<T>(j);
      const int64_t query = kRowsAreKeys ? at_col : at_row, key = kRowsAreKeys ? at_row : at_col;
      T weight = 0, gradient = 0;
      // A query that saw no key has no weights.
      if (sees(p, query, key) && lse[query] != -T(INFINITY)) {
        weight = exp_of(scores.at[i][j] * scale - lse[query]);
        gradient = weight * (dscores.at[i][j] - dot[query]) * scale;
      }
      scores.at[i][j] = weight;
      dscores.at[i][j] = gradient;
    }
  }
}

// A warp for each query: the sum of dout * out. Operands: out, dout, sums.
template <class T>
PT_DEVICE void dot_rows(const Operands<3>& operands, const AttentionProblem& p) {
  const int lane = int(threadIdx.x) % kWarp;
  const int64_t warps = global_threads() / kWarp, rows = p.batches * p.heads * p.queries;
  for (int64_t row = global_thread() / kWarp; row < rows; row += warps) {
    const int64_t query = row % p.queries, head = row / p.queries % p.heads, batch = row / p.queries / p.heads;
    const int64_t out = head_offset(p.out, batch, head) + query * p.out.row;
    const int64_t dout = head_offset(p.dout, batch, head) + query * p.dout.row;
    T sum = 0;
    for (int64_t e = lane; e < p.size; e += kWarp)
      sum = fma(load_float<T>(operands.at[1], dout + e * p.dout.element, p.type),
                load_float<T>(operands.at[0], out + e * p.out.element, p.type), sum);
    for (int by = kWarp / 2; by > 0; by /= 2) sum += __shfl_xor_sync(0xffffffff, sum, by);
    if (lane == 0) reinterpret_cast<T*>(operands.at[2])[row] = sum;
  }
}

// The matrices of one head of the queries, as the products of a block read them.
template <class T, bool kConverts>
struct BackwardHead {
  StridedSource<T, kConverts> q, k, v, dout;
  const T *lse, *dot;

  // Operands: q, k, v, lse, dout, dots.
  __device__ __forceinline__ BackwardHead(const Operands<7>& operands, const AttentionProblem& p, int64_t batch,
                                          int64_t head)
      : q(rows_as_lines<T, kConverts>(p, p.q, p.q_vectors, operands.at[0], batch, head, p.queries)),
        k(rows_as_lines<T, kConverts>(p, p.k, p.k_vectors, operands.at[1], batch, kv_head(p, head), p.keys)),
        v(rows_as_lines<T, kConverts>(p, p.v, p.v_vectors, operands.at[2], batch, kv_head(p, head), p.keys)),
        dout(rows_as_lines<T, kConverts>(p, p.dout, p.dout_vectors, operands.at[4], batch, head, p.queries)),
        lse(reinterpret_cast<const T*>(operands.at[3]) + (batch * p.heads + head) * p.queries),
        dot(reinterpret_cast<const T*>(operands.at[5]) + (batch * p.heads + head) * p.queries) {}
};

// The gradients of the queries: operand 6.
template <class T, int kPart, bool kConverts>
PT_DEVICE void query_gradients(const Operands<7>& operands, const AttentionProblem& p,
                               AttentionMemory<T, kPart>& memory) {
  for (int64_t block = blockIdx.x; block < attention_blocks(p, p.heads); block += gridDim.x) {
    const AttentionPlace at = attention_place(p, p.heads, block);
    const BackwardHead<T, kConverts> head(operands, p, at.batch, at.head);
    const auto elements =
        elements_as_lines<T, kConverts>(p, p.k, p.k_vectors, operands.at[1], at.batch, kv_head(p, at.head), p.keys);
    TileSums<T, ResultTile<kPart>> dq = {};
    const int64_t last = at.row + kAttentionRows < p.queries ? at.row + kAttentionRows : p.queries;
    for (int64_t key = 0; key < visible_keys(p, last); key += kAttentionRows) {
      TileSums<T, ScoreTile> scores = {}, dscores = {};
      add_tile(memory.tiles, head.q, head.k, at.row, key, 0, p.size, scores);
      __syncthreads();
      add_tile(memory.tiles, head.dout, head.v, at.row, key, 0, p.size, dscores);
      differentiate_softmax<T, false>(p, at.row, key, head.lse, head.dot, scores, dscores);
      keep_weights(dscores, memory.weights);
      add_weighted(memory, elements, at.part, key, dq);
    }
    store_tile(dq, at.row, at.part, head_result<T>(p, p.dq, operands.at[6], at.batch, at.head, p.queries));
    __syncthreads();
  }
}

// Operand 6: the gradients of the keys, or of the values. Both at once would want more registers than there are.
template <class T, int kPart, bool kConverts, bool kValues>
PT_DEVICE void key_gradients(const Operands<7>& operands, const AttentionProblem& p,
                             AttentionMemory<T, kPart>& memory) {
  const int64_t share = p.heads / p.kv_heads;
  const AttentionMatrix &from = kValues ? p.dout : p.q, &to = kValues ? p.dv : p.dk;
  for (int64_t block = blockIdx.x; block < attention_blocks(p, p.kv_heads); block += gridDim.x) {
    const AttentionPlace at = attention_place(p, p.kv_heads, block);
    TileSums<T, ResultTile<kPart>> sums = {};
    // The first query that sees a key of this block.
    const int64_t seen_from = p.causal ? at.row - (p.keys - p.queries) : 0;
    const int64_t begin = seen_from > 0 ? seen_from / kAttentionRows * kAttentionRows : 0;
    for (int64_t number = at.head * share; number < (at.head + 1) * share; ++number) {
      const BackwardHead<T, kConverts> head(operands, p, at.batch, number);
      const auto elements = elements_as_lines<T, kConverts>(p, from, kValues ? p.dout_vectors : p.q_vectors,
                                                            operands.at[kValues ? 4 : 0], at.batch, number, p.queries);
      for (int64_t query = begin; query < p.queries; query += kAttentionRows) {
        TileSums<T, ScoreTile> scores = {}, dscores = {};
        add_tile(memory.tiles, head.k, head.q, at.row, query, 0, p.size, scores);
        if constexpr (!kValues) {
          __syncthreads();
          add_tile(memory.tiles, head.v, head.dout, at.row, query, 0, p.size, dscores);
        }
        differentiate_softmax<T, true>(p, at.row, query, head.lse, head.dot, scores, dscores);
        keep_weights(kValues ? scores : dscores, memory.weights);
        add_weighted(memory, elements, at.part, query, sums);
      }
    }
    store_tile(sums, at.row, at.part, head_result<T>(p, to, operands.at[6], at.batch, at.head, p.keys));
    __syncthreads();
  }
}

}  // namespace pt::cuda
