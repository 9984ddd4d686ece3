// What the CUDA plans of attention and its gradient tell their kernels.
#pragma once
#include "ops/attention/desc.h"

namespace pt::cuda {

struct AttentionProblem {
  int64_t batches, heads, kv_heads, queries, keys, size;
  AttentionMatrix q, k, v, out, dout, dq, dk, dv;
  // 16 bytes can be read or written at once along their elements.
  bool q_vectors, k_vectors, v_vectors, out_vectors, dout_vectors, dq_vectors, dk_vectors, dv_vectors;
  DType type;
  bool causal;  // query i sees the keys up to i + keys - queries
  double scale;
  int64_t blocks;       // of queries or of keys, whichever are the rows of a block
  int64_t part, parts;  // elements of a result that a block computes, and how many such parts there are
};

constexpr int kAttentionRows = 64;  // queries and keys of a block in scalar arithmetic

// Heads of f16 and bf16 of up to kSize elements, by matrix instructions (cuda_half_block.h). Each of 4 warps has
// 16 kTiles rows of one side, queries or keys, and a block takes kStep rows of the other side at a time.
template <int kSizeOfHead, int kTilesOfWarp, int kRowsOfStep, int kMatricesKept>
struct HalfAttention {
  static constexpr int kSize = kSizeOfHead, kTiles = kTilesOfWarp, kStep = kRowsOfStep, kKept = kMatricesKept;
  static constexpr int kThreads = 128, kRowsOfWarp = 16 * kTiles, kRows = kThreads / 32 * kRowsOfWarp;
  static constexpr int kPitch = kSize + 8;  // rows begin in different banks of shared memory
};
template <int kSize>
using HalfForward = HalfAttention<kSize, kSize == 64 ? 2 : 1, kSize == 64 ? 64 : 32, 1>;
template <int kSize>
using HalfBackward = HalfAttention<kSize, kSize == 64 ? 2 : 1, 32, 2>;
constexpr int kMostHalfSize = 128;

template <class Shape>
struct HalfMemory {
  alignas(16) uint16_t kept[Shape::kKept][Shape::kRows * Shape::kPitch];
  alignas(16) uint16_t walked[2 * 2 * Shape::kStep * Shape::kPitch];  // two stages of two matrices
  alignas(16) float lse[2][Shape::kStep], dots[2][Shape::kStep];      // where the walked rows are queries

  constexpr uint16_t* stage(int number, int matrix) {
    return walked + (2 * number + matrix) * Shape::kStep * Shape::kPitch;
  }
};

}  // namespace pt::cuda
