// Attention of f16 and bf16 with a running softmax, as cuda_forward.h has it for other dtypes: scores, maximum and sum
// are f32, in units of log 2, and weights are rounded to the operands' dtype for their product with the values.
#pragma once
#include "ops/attention/cuda_half_block.h"

namespace pt::cuda {

template <class Shape>
struct HalfSoftmax {
  float highest[Shape::kTiles][2], total[Shape::kTiles][2];  // total: of this thread's columns
};

// The scores of a step become weights relative to the new maximum; earlier sums are rescaled to it.
template <class Shape>
PT_DEVICE void softmax_of_step(HalfScores<Shape>& scores, HalfSoftmax<Shape>& running, HalfSums<Shape>& sums) {
  each_half_row<Shape>([&](int i, int half) {
    const float before = running.highest[i][half];
    float highest = before, total = 0;
#pragma unroll
    for (int j = 0; j < Shape::kStep / 8; ++j)
      highest = fmaxf(highest, fmaxf(scores.at[i][j][2 * half], scores.at[i][j][2 * half + 1]));
    highest = fmaxf(highest, __shfl_xor_sync(0xffffffff, highest, 1));
    highest = fmaxf(highest, __shfl_xor_sync(0xffffffff, highest, 2));
    // A query that has seen no key yet: infinity minus infinity is not a number.
    const float shift = highest == -INFINITY ? 0.0f : highest, rescale = fast_exp2(before - shift);
#pragma unroll
    for (int j = 0; j < Shape::kStep / 8; ++j)
#pragma unroll
      for (int side = 0; side < 2; ++side) {
        float& score = scores.at[i][j][2 * half + side];
        score = fast_exp2(score - shift);
        total += score;
      }
    running.highest[i][half] = highest;
    running.total[i][half] = fma(running.total[i][half], rescale, total);
#pragma unroll
    for (int j = 0; j < Shape::kSize / 8; ++j) {
      sums.at[i][j][2 * half] *= rescale;
      sums.at[i][j][2 * half + 1] *= rescale;
    }
  });
}

// Operands: q, k, v, out, lse.
template <bool kBfloat, class Shape>
PT_DEVICE void attend_halves(const Operands<5>& operands, const AttentionProblem& p, HalfMemory<Shape>& memory) {
  const float scale = float(p.scale * kLog2OfE);
  for (int64_t block = blockIdx.x; block < attention_blocks(p, p.heads); block += gridDim.x) {
    const AttentionPlace at = half_place<Shape>(p, p.heads, block, true);
    const int64_t of_kv = kv_head(p, at.head), row_of_warp = at.row + warp_number() * Shape::kRowsOfWarp;
    const auto q = half_rows<const uint16_t>(p, p.q, p.q_vectors, operands.at[0], at.batch, at.head, p.queries);
    const auto k = half_rows<const uint16_t>(p, p.k, p.k_vectors, operands.at[1], at.batch, of_kv, p.keys);
    const auto v = half_rows<const uint16_t>(p, p.v, p.v_vectors, operands.at[2], at.batch, of_kv, p.keys);
    const auto bring_step = [&](int64_t key, int stage) {
      bring_rows<Shape, Shape::kStep>(k, key, memory.stage(stage, 0));
      bring_rows<Shape, Shape::kStep>(v, key, memory.stage(stage, 1));
    };
    HalfSums<Shape> sums = {};
    HalfSoftmax<Shape> running;
    each_half_row<Shape>([&](int i, int half) { running.highest[i][half] = -INFINITY, running.total[i][half] = 0; });
    const int64_t keys = visible_keys(p, at.row + Shape::kRows), seen_by_all = visible_keys(p, row_of_warp + 1);
    const int64_t keys_of_warp = row_of_warp < p.queries ? visible_keys(p, row_of_warp + Shape::kRowsOfWarp) : 0;
    bring_rows<Shape, Shape::kRows>(q, at.row, memory.kept[0]);
    if (keys > 0) bring_step(0, 0);
    commit_copies();
    int stage = 0;
    for (int64_t key = 0; key < keys; key += Shape::kStep, stage ^= 1) {
      wait_copies<0>();
      __syncthreads();  // this step is there, and nobody reads the one before
      if (key + Shape::kStep < keys) bring_step(key + Shape::kStep, stage ^ 1);
      commit_copies();
      if (key >= keys_of_warp) continue;
      HalfScores<Shape> scores = {};
      add_scores<kBfloat>(memory.kept[0], memory.stage(stage, 0), scores);
      scale_scores(scores, scale, key + Shape::kStep <= seen_by_all, [&](int row) {
        return SeenColumns{0, within_step(visible_keys(p, at.row + row + 1) - key, Shape::kStep)};
      });
      softmax_of_step(scores, running, sums);
      add_weighted_rows<kBfloat>(scores, memory.stage(stage, 1), sums);
    }
    wait_copies<0>();
    __syncthreads();
    float* const lse = reinterpret_cast<float*>(operands.at[4]) + (at.batch * p.heads + at.head) * p.queries;
    each_half_row<Shape>([&](int i, int half) {
      const int64_t query = at.row + half_row<Shape>(i, half);
      const float total = over_quad(running.total[i][half]);
      running.total[i][half] = total;
      if (lane_number() % 4 == 0 && query < p.queries)
        lse[query] = fma(running.highest[i][half], kLogOf2, log_of(total));
    });
    store_rows<kBfloat>(sums, memory.kept[0],
                        half_rows<uint16_t>(p, p.out, p.out_vectors, operands.at[3], at.batch, at.head, p.queries),
                        at.row, [&](int i, int half) {  // a query that saw no key has sums of zero
                          return running.total[i][half] == 0 ? 1.0f : 1.0f / running.total[i][half];
                        });
    __syncthreads();  // the next block writes where this one was read
  }
}

}  // namespace pt::cuda
