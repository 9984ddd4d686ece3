// What the plan of attention tells its kernels. Every matrix is [batch, row, head, element].
#pragma once
#include <stdint.h>

#include "core/dtype.h"

namespace pt {

inline constexpr int64_t kKeyBlock = 64;  // canonical: keys are taken in blocks of this many, ascending

struct AttentionMatrix {
  int64_t batch, row, head, element;  // strides, in elements
};

struct AttentionDesc {
  int64_t batches, heads, kv_heads, queries, keys, size;
  AttentionMatrix q, k, v, out, dout, dq, dk, dv;  // the log-sum-exp is row-major, [batch, head, query]
  DType type;
  bool causal;  // query i sees the keys up to i + keys - queries
  double scale;
  int64_t query_block, query_blocks;  // queries whose scores are computed together
  int64_t group, groups;              // forward: blocks of queries that share each block of keys they load
  int64_t padded_size, padded_block;  // whole vectors: the row strides of blocks in scratch

  // Offsets of the blocks in scratch, in elements of the compute dtype.
  int64_t q_rows, q_columns, k_rows, v_rows, scores, sums, per_query;
  int64_t dout_rows, dout_columns, dscores, dq_rows, dk_rows, dv_rows;
};

}  // namespace pt
