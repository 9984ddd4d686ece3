// The gradients of attention of f16 and bf16: weights are computed again from the saved log-sum-exp. The first kernel
// has queries as rows, and also finds the sums of dout * out that the second one needs, which has keys as rows and
// walks over all queries of the heads that share them. So every gradient is a sum in one order.
#pragma once
#include "ops/attention/cuda_half_block.h"

namespace pt::cuda {

// What is subtracted from scores in units of log 2: of a query that saw no key infinity, so that its weights are 0.
PT_DEVICE float shift_of(float lse) { return lse == -INFINITY ? INFINITY : lse * kLog2OfE; }

// The sum of dout * out of a row, from the block's rows of both in shared memory. Four threads have a row.
template <bool kBfloat, class Shape>
PT_DEVICE float dot_of_row(const uint16_t* dout, const uint16_t* out, int row) {
  float sum = 0;
#pragma unroll
  for (int e = 0; e < Shape::kSize; e += 32) {
    const int at = row * Shape::kPitch + e + lane_number() % 4 * 8;
    const auto a = *reinterpret_cast<const Pack<uint16_t, 8>*>(dout + at);
    const auto b = *reinterpret_cast<const Pack<uint16_t, 8>*>(out + at);
#pragma unroll
    for (int i = 0; i < 8; ++i)
      sum = kBfloat ? fma(bf16_to_float(a.at[i]), bf16_to_float(b.at[i]), sum)
                    : fma(f16_to_float(a.at[i]), f16_to_float(b.at[i]), sum);
  }
  return over_quad(sum);
}

// Operands: q, k, v, out, lse, dout, dots, dq.
template <bool kBfloat, class Shape>
PT_DEVICE void half_query_gradients(const Operands<8>& operands, const AttentionProblem& p, HalfMemory<Shape>& memory) {
  const float scale = float(p.scale * kLog2OfE);
  for (int64_t block = blockIdx.x; block < attention_blocks(p, p.heads); block += gridDim.x) {
    const AttentionPlace at = half_place<Shape>(p, p.heads, block, true);
    const int64_t of_kv = kv_head(p, at.head), row_of_warp = at.row + warp_number() * Shape::kRowsOfWarp;
    const auto of_queries = [&](const AttentionMatrix& m, bool vectors, int operand) {
      return half_rows<const uint16_t>(p, m, vectors, operands.at[operand], at.batch, at.head, p.queries);
    };
    const auto k = half_rows<const uint16_t>(p, p.k, p.k_vectors, operands.at[1], at.batch, of_kv, p.keys);
    const auto v = half_rows<const uint16_t>(p, p.v, p.v_vectors, operands.at[2], at.batch, of_kv, p.keys);
    const auto bring_step = [&](int64_t key, int stage) {
      bring_rows<Shape, Shape::kStep>(k, key, memory.stage(stage, 0));
      bring_rows<Shape, Shape::kStep>(v, key, memory.stage(stage, 1));
    };
    static_assert(Shape::kRows <= 4 * Shape::kStep);  // the rows of out lie where steps will
    bring_rows<Shape, Shape::kRows>(of_queries(p.q, p.q_vectors, 0), at.row, memory.kept[0]);
    bring_rows<Shape, Shape::kRows>(of_queries(p.dout, p.dout_vectors, 5), at.row, memory.kept[1]);
    bring_rows<Shape, Shape::kRows>(of_queries(p.out, p.out_vectors, 3), at.row, memory.walked);
    commit_copies();
    wait_copies<0>();
    __syncthreads();
    const int64_t first_of_head = (at.batch * p.heads + at.head) * p.queries;
    float shifts[Shape::kTiles][2], dots[Shape::kTiles][2];
    each_half_row<Shape>([&](int i, int half) {
      const int64_t query = at.row + half_row<Shape>(i, half);
      const bool inside = query < p.queries;
      shifts[i][half] = inside ? shift_of(reinterpret_cast<const float*>(operands.at[4])[first_of_head + query]) : 0;
      dots[i][half] = dot_of_row<kBfloat, Shape>(memory.kept[1], memory.walked, half_row<Shape>(i, half));
      if (inside && lane_number() % 4 == 0)
        reinterpret_cast<float*>(operands.at[6])[first_of_head + query] = dots[i][half];
    });
    __syncthreads();
    HalfSums<Shape> dq = {};
    const int64_t keys = visible_keys(p, at.row + Shape::kRows), seen_by_all = visible_keys(p, row_of_warp + 1);
    const int64_t keys_of_warp = row_of_warp < p.queries ? visible_keys(p, row_of_warp + Shape::kRowsOfWarp) : 0;
    if (keys > 0) bring_step(0, 0);
    commit_copies();
    int stage = 0;
    for (int64_t key = 0; key < keys; key += Shape::kStep, stage ^= 1) {
      wait_copies<0>();
      __syncthreads();
      if (key + Shape::kStep < keys) bring_step(key + Shape::kStep, stage ^ 1);
      commit_copies();
      if (key >= keys_of_warp) continue;
      HalfScores<Shape> scores = {}, dscores = {};
      add_scores<kBfloat>(memory.kept[0], memory.stage(stage, 0), scores);
      scale_scores(scores, scale, key + Shape::kStep <= seen_by_all, [&](int row) {
        return SeenColumns{0, within_step(visible_keys(p, at.row + row + 1) - key, Shape::kStep)};
      });
      add_scores<kBfloat>(memory.kept[1], memory.stage(stage, 1), dscores);
      each_half_row<Shape>([&](int i, int half) {
#pragma unroll
        for (int j = 0; j < Shape::kStep / 8; ++j)
#pragma unroll
          for (int e = 2 * half; e < 2 * half + 2; ++e)
            dscores.at[i][j][e] =
                fast_exp2(scores.at[i][j][e] - shifts[i][half]) * (dscores.at[i][j][e] - dots[i][half]);
      });
      add_weighted_rows<kBfloat>(dscores, memory.stage(stage, 0), dq);
    }
    wait_copies<0>();
    __syncthreads();
    store_rows<kBfloat>(dq, memory.kept[0],
                        half_rows<uint16_t>(p, p.dq, p.dq_vectors, operands.at[7], at.batch, at.head, p.queries),
                        at.row, [&](int, int) { return float(p.scale); });
    __syncthreads();
  }
}

// The queries of all heads that share one of the keys, step by step. Registers are short here: places are of 32 bits.
struct QueryStep {
  int head, query;
};

// Operands: q, k, v, lse, dout, dots, dk, dv.
template <bool kBfloat, class Shape>
PT_DEVICE void half_key_gradients(const Operands<8>& operands, const AttentionProblem& p, HalfMemory<Shape>& memory) {
  const float scale = float(p.scale * kLog2OfE);
  const int share = int(p.heads / p.kv_heads), further = int(p.keys - p.queries);
  for (int64_t block = blockIdx.x; block < attention_blocks(p, p.kv_heads); block += gridDim.x) {
    const AttentionPlace at = half_place<Shape>(p, p.kv_heads, block, false);
    const int row = int(at.row), batch = int(at.batch), row_of_warp = row + warp_number() * Shape::kRowsOfWarp;
    const auto of_keys = [&](const AttentionMatrix& m, bool vectors, int operand) {
      return half_rows<const uint16_t>(p, m, vectors, operands.at[operand], at.batch, at.head, p.keys);
    };
    const auto bring_step = [&](const QueryStep& step, int stage) {
      bring_rows<Shape, Shape::kStep>(
          half_rows<const uint16_t>(p, p.q, p.q_vectors, operands.at[0], batch, step.head, p.queries), step.query,
          memory.stage(stage, 0));
      bring_rows<Shape, Shape::kStep>(
          half_rows<const uint16_t>(p, p.dout, p.dout_vectors, operands.at[4], batch, step.head, p.queries), step.query,
          memory.stage(stage, 1));
      const int column = int(threadIdx.x) % Shape::kStep, which = int(threadIdx.x) / Shape::kStep;
      if (which >= 2) return;
      const auto* from = reinterpret_cast<const float*>(operands.at[which == 0 ? 3 : 5]);
      const bool inside = step.query + column < p.queries;
      copy_async<4>(which == 0 ? &memory.lse[stage][column] : &memory.dots[stage][column],
                    inside ? from + (batch * p.heads + step.head) * p.queries + step.query + column : from,
                    inside ? 4 : 0);
    };
    // The first query that sees a key of this block, and of this warp.
    const int begin = (p.causal && row > further ? row - further : 0) / Shape::kStep * Shape::kStep;
    const int warp_from = p.causal ? row_of_warp - further : 0, first_head = int(at.head) * share;
    const int end_head = begin < p.queries ? first_head + share : first_head;
    bring_rows<Shape, Shape::kRows>(of_keys(p.k, p.k_vectors, 1), at.row, memory.kept[0]);
    bring_rows<Shape, Shape::kRows>(of_keys(p.v, p.v_vectors, 2), at.row, memory.kept[1]);
    QueryStep next = {first_head, begin};
    if (next.head < end_head) bring_step(next, 0);
    commit_copies();
    HalfSums<Shape> dk = {}, dv = {};
    int stage = 0;
    while (next.head < end_head) {
      const int query = next.query;
      next.query += Shape::kStep;
      if (next.query >= p.queries) next = {next.head + 1, begin};
      wait_copies<0>();
      __syncthreads();
      if (next.head < end_head) bring_step(next, stage ^ 1);
      commit_copies();
      const int now = stage;
      stage ^= 1;
      if (row_of_warp >= p.keys || query + Shape::kStep <= warp_from) continue;
      HalfScores<Shape> weights = {};
      add_scores<kBfloat>(memory.kept[0], memory.stage(now, 0), weights);
      const bool all = query + Shape::kStep <= p.queries && (!p.causal || query >= warp_from + Shape::kRowsOfWarp - 1);
      scale_scores(weights, scale, all, [&](int in_block) {
        return SeenColumns{p.causal ? within_step(row + in_block - further - query, Shape::kStep) : 0,
                           within_step(p.queries - query, Shape::kStep)};
      });
#pragma unroll
      for (int j = 0; j < Shape::kStep / 8; ++j) {
        const auto lse = *reinterpret_cast<const Pack<float, 2>*>(&memory.lse[now][half_col(j, 0)]);
        const float shifts[2] = {shift_of(lse.at[0]), shift_of(lse.at[1])};
#pragma unroll
        for (int i = 0; i < Shape::kTiles; ++i)
#pragma unroll
          for (int e = 0; e < 4; ++e) weights.at[i][j][e] = fast_exp2(weights.at[i][j][e] - shifts[e % 2]);
      }
      add_weighted_rows<kBfloat>(weights, memory.stage(now, 1), dv);
      HalfScores<Shape> dscores = {};
      add_scores<kBfloat>(memory.kept[1], memory.stage(now, 1), dscores);
#pragma unroll
      for (int j = 0; j < Shape::kStep / 8; ++j) {
        const auto dots = *reinterpret_cast<const Pack<float, 2>*>(&memory.dots[now][half_col(j, 0)]);
#pragma unroll
        for (int i = 0; i < Shape::kTiles; ++i)
#pragma unroll
          for (int e = 0; e < 4; ++e)
            dscores.at[i][j][e] = weights.at[i][j][e] * (dscores.at[i][j][e] - dots.at[e % 2]);
      }
      add_weighted_rows<kBfloat>(dscores, memory.stage(now, 0), dk);
    }
    wait_copies<0>();
    __syncthreads();
    store_rows<kBfloat>(dk, memory.kept[0],
                        half_rows<uint16_t>(p, p.dk, p.dk_vectors, operands.at[6], at.batch, at.head, p.keys), at.row,
                        [&](int, int) { return float(p.scale); });
    store_rows<kBfloat>(dv, memory.kept[1],
                        half_rows<uint16_t>(p, p.dv, p.dv_vectors, operands.at[7], at.batch, at.head, p.keys), at.row,
                        [&](int, int) { return 1.0f; });
    __syncthreads();
  }
}

}  // namespace pt::cuda
