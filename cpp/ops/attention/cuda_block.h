// What the kernels of attention and its gradient share. A block computes the scores of 64 rows by 64 columns in its
// registers, turns them into weights there, and leaves them in shared memory, turned, as the left operand of a second
// product. Threads with the same rows are half a warp.
#pragma once
#include "cuda/formulas.h"
#include "ops/attention/cuda_desc.h"
#include "ops/matmul/cuda_strided.h"

namespace pt::cuda {

using ScoreTile = TileShape<kAttentionRows, kAttentionRows, 16, 4, 4>;
template <int kPart>
using ResultTile = TileShape<kAttentionRows, kPart, 16, 4, kPart / 16>;

template <class T, int kPart>
struct AttentionMemory {
  TileMemory<T, ScoreTile> tiles;
  alignas(16) T weights[kAttentionRows * TileMemory<T, ScoreTile>::kLeftRow];               // [column][row]
  alignas(16) T right[2][ScoreTile::kDepth * TileMemory<T, ResultTile<kPart>>::kRightRow];  // of the second product
};

// Which block this is: of rows of one head of one item, and of elements of the result.
struct AttentionPlace {
  int64_t batch, head, row, part;
};
PT_DEVICE AttentionPlace attention_place(const AttentionProblem& p, int64_t heads, int64_t block) {
  const int64_t part = block % p.parts, row = block / p.parts % p.blocks, item = block / p.parts / p.blocks;
  return {item / heads, item % heads, row * kAttentionRows, part * p.part};
}
PT_DEVICE int64_t attention_blocks(const AttentionProblem& p, int64_t heads) {
  return p.batches * heads * p.blocks * p.parts;
}

// Of keys and values that a head of the queries shares with others.
PT_DEVICE int64_t kv_head(const AttentionProblem& p, int64_t head) { return head / (p.heads / p.kv_heads); }

PT_DEVICE int64_t head_offset(const AttentionMatrix& m, int64_t batch, int64_t head) {
  return batch * m.batch + head * m.head;
}

// Rows of one head as lines of a product, elements being K; or elements as lines, and rows as K. Neighbouring threads
// read neighbouring elements.
template <class T, bool kConverts>
PT_DEVICE StridedSource<T, kConverts> rows_as_lines(const AttentionProblem& p, const AttentionMatrix& m, bool vectors,
                                                    const char* at, int64_t batch, int64_t head, int64_t rows) {
  return {at, head_offset(m, batch, head), p.type, m.row, m.element, rows, p.size, true, vectors};
}
template <class T, bool kConverts>
PT_DEVICE StridedSource<T, kConverts> elements_as_lines(const AttentionProblem& p, const AttentionMatrix& m,
                                                        bool vectors, const char* at, int64_t batch, int64_t head,
                                                        int64_t rows) {
  return {at, head_offset(m, batch, head), p.type, m.element, m.row, p.size, rows, false, vectors};
}

template <class T>
PT_DEVICE StridedResult<T> head_result(const AttentionProblem& p, const AttentionMatrix& m, char* at, int64_t batch,
                                       int64_t head, int64_t rows) {
  return {at + head_offset(m, batch, head) * size_of_float(p.type), m.row, m.element, rows, p.size, p.type, false};
}

// How many keys the queries before `query` see.
PT_DEVICE int64_t visible_keys(const AttentionProblem& p, int64_t query) {
  if (!p.causal) return p.keys;
  const int64_t visible = query + p.keys - p.queries;
  return visible < 0 ? 0 : visible < p.keys ? visible : p.keys;
}
PT_DEVICE bool sees(const AttentionProblem& p, int64_t query, int64_t key) {
  return query < p.queries && key < p.keys && (!p.causal || key <= query + p.keys - p.queries);
}

// The place of a thread's sum in the 64 by 64 scores.
template <class T>
PT_DEVICE int score_row(int i) {
  return place_of<T, ScoreTile::kRows, ScoreTile::kRowsEach>(row_thread<ScoreTile>(), i);
}
template <class T>
PT_DEVICE int score_col(int j) {
  return place_of<T, ScoreTile::kCols, ScoreTile::kColsEach>(col_thread<ScoreTile>(), j);
}

// To shared memory, and everybody sees them.
template <class T>
PT_DEVICE void keep_weights(const TileSums<T, ScoreTile>& weights, T* shared) {
#pragma unroll
  for (int j = 0; j < ScoreTile::kColsEach; ++j)
#pragma unroll
    for (int i = 0; i < ScoreTile::kRowsEach; ++i)
      shared[score_col<T>(j) * TileMemory<T, ScoreTile>::kLeftRow + score_row<T>(i)] = weights.at[i][j];
  __syncthreads();
}

// sums += weights right, whose lines begin at `line`, over 64 columns of the scores, which are K from `k` on.
template <class T, int kPart, class Right>
PT_DEVICE void add_weighted(AttentionMemory<T, kPart>& memory, const Right& right, int64_t line, int64_t k,
                            TileSums<T, ResultTile<kPart>>& sums) {
  using Tile = ResultTile<kPart>;
  constexpr int kRow = TileMemory<T, Tile>::kRightRow, kDepth = Tile::kDepth, kThreads = Tile::kThreads;
  T held[kPart * kDepth / kThreads];
  const auto bring_some = [&](int at) { bring<kPart, kDepth, kThreads>(right, line, k + at, held); };
  const auto keep_some = [&](int stage) {
    keep<kPart, kDepth, kThreads, kRow>(right, held, memory.right[stage]);
    __syncthreads();
  };
  bring_some(0);
  keep_some(0);
  for (int at = 0, stage = 0; at < kAttentionRows; at += kDepth, stage ^= 1) {
    const bool more = at + kDepth < kAttentionRows;
    if (more) bring_some(at + kDepth);
    multiply_stage<T, Tile>(memory.weights + at * TileMemory<T, ScoreTile>::kLeftRow, memory.right[stage],
                            row_thread<Tile>(), col_thread<Tile>(), sums);
    if (more) keep_some(stage ^ 1);
  }
}

}  // namespace pt::cuda
