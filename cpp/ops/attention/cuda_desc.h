// What the CUDA plans of attention and its gradient tell their kernels.
#pragma once
#include "ops/attention/desc.h"

namespace pt::cuda {

struct AttentionProblem {
  int64_t batches, heads, kv_heads, queries, keys, size;
  AttentionMatrix q, k, v, out, dout, dq, dk, dv;
  bool q_vectors, k_vectors, v_vectors, dout_vectors;  // 16 bytes can be read at once along their elements
  DType type;
  bool causal;  // query i sees the keys up to i + keys - queries
  double scale;
  int64_t blocks;       // of queries or of keys, whichever are the rows of a block
  int64_t part, parts;  // elements of a result that a block computes, and how many such parts there are
};

constexpr int kAttentionRows = 64;  // queries and keys of a block

}  // namespace pt::cuda
