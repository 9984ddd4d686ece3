#include <algorithm>

#include "core/error.h"
#include "core/space_plan.h"
#include "ops/attention/definition.h"
#include "ops/attention/desc.h"
#include "ops/attention/plan.h"
#include "ops/cpu_target.h"
#include "ops/functional.h"

namespace pt {
namespace {

constexpr int64_t kQueryBlock = 64;  // with 64 keys and 64 elements, all blocks of a step fit L2 many times over
// Keys lie far apart in a buffer of q, k and v, so several blocks of queries share what was loaded: as long as there
// are chunks enough for the threads.
constexpr int64_t kMostBlocks = 4;
constexpr int64_t kEnoughChunks = 32;
constexpr int64_t kLanes = 16;
constexpr int kForward = 0, kBackward = 1;

int64_t whole_vectors(int64_t n) { return ceil_div(n, kLanes) * kLanes; }

AttentionMatrix matrix(const Operand& x) { return {x.strides[0], x.strides[1], x.strides[2], x.strides[3]}; }

AttentionDesc describe(const Operand& q, const Operand& k, const Operand& v, const Operand& out, bool causal,
                       double scale) {
  AttentionDesc d{};
  d.batches = q.shape[0], d.queries = q.shape[1], d.heads = q.shape[2], d.size = q.shape[3];
  d.keys = k.shape[1], d.kv_heads = k.shape[2];
  d.q = matrix(q), d.k = matrix(k), d.v = matrix(v), d.out = matrix(out);
  d.type = q.dtype;
  d.causal = causal;
  d.scale = scale;
  // Evenly, and a few queries more than a block are no second one.
  const int64_t blocks = std::max<int64_t>(1, (d.queries + kQueryBlock / 2) / kQueryBlock);
  d.query_block = std::max<int64_t>(1, ceil_div(d.queries, blocks));
  d.query_blocks = ceil_div(d.queries, d.query_block);
  d.padded_size = whole_vectors(d.size);
  d.padded_block = whole_vectors(d.query_block);
  return d;
}

// Hands out parts of the scratch, all multiples of a vector.
class Layout {
 public:
  int64_t take(int64_t rows, int64_t row) {
    const int64_t at = used_;
    used_ += rows * row;
    return at;
  }
  int64_t used() const { return used_; }

 private:
  int64_t used_ = 0;
};

// What both passes keep for `blocks` blocks of queries and `keys` keys.
void lay_out_shared(AttentionDesc& d, Layout& scratch, int64_t blocks, int64_t keys) {
  d.q_rows = scratch.take(d.query_block, d.padded_size);
  d.q_columns = scratch.take(blocks * d.size, d.padded_block);
  d.k_rows = scratch.take(keys, d.padded_size);
  d.v_rows = scratch.take(keys, d.padded_size);
  d.scores = scratch.take(kKeyBlock, d.padded_block);
  d.per_query = scratch.take(blocks * 3, d.padded_block);
}

Launch make_launch(const AttentionDesc& d, int pass, int64_t chunks, int64_t elements) {
  Launch launch;
  launch.kernel = "attention";
  launch.variant = 2 * (d.type == DType::F64) + pass;
  launch.desc = Descriptor::of(d);
  launch.chunks = chunks;
  launch.scratch_bytes = elements * static_cast<int64_t>(size_of(compute_dtype(d.type)));
  const double pairs = static_cast<double>(d.batches * d.heads * d.queries) * static_cast<double>(d.keys);
  launch.flops = (pass == kForward ? 4 : 10) * pairs * static_cast<double>(d.size) * (d.causal ? 0.5 : 1);
  const double rows = static_cast<double>(d.batches * (d.heads * d.queries + d.kv_heads * d.keys));
  launch.bytes = (pass == kForward ? 2 : 4) * rows * static_cast<double>(d.size) * static_cast<double>(size_of(d.type));
  return launch;
}

}  // namespace

LaunchPlan plan_attention(const Operand& q, const Operand& k, const Operand& v, const Operand& out, const Operand&,
                          bool causal, double scale) {
  LaunchPlan plan;
  if (count(out.shape) == 0) return plan;
  AttentionDesc d = describe(q, k, v, out, causal, scale);
  Layout scratch;
  d.group = std::clamp<int64_t>(d.batches * d.heads * d.query_blocks / kEnoughChunks, 1, kMostBlocks);
  d.groups = ceil_div(d.query_blocks, d.group);
  lay_out_shared(d, scratch, d.group, kKeyBlock);
  d.sums = scratch.take(d.group * d.query_block, d.padded_size);
  plan.launches.push_back(make_launch(d, kForward, d.batches * d.heads * d.groups, scratch.used()));
  return plan;
}

LaunchPlan plan_attention_backward(const Operand& q, const Operand& k, const Operand& v, const Operand& out,
                                   const Operand&, const Operand& dout, const Operand& dq, const Operand& dk,
                                   const Operand& dv, bool causal, double scale) {
  LaunchPlan plan;
  if (count(q.shape) == 0 && count(k.shape) == 0) return plan;
  AttentionDesc d = describe(q, k, v, out, causal, scale);
  d.dout = matrix(dout), d.dq = matrix(dq), d.dk = matrix(dk), d.dv = matrix(dv);
  Layout scratch;
  lay_out_shared(d, scratch, 1, d.keys);
  d.dout_rows = scratch.take(d.query_block, d.padded_size);
  d.dout_columns = scratch.take(d.size, d.padded_block);
  d.dscores = scratch.take(kKeyBlock, d.padded_block);
  d.dq_rows = scratch.take(d.query_block, d.padded_size);
  d.dk_rows = scratch.take(d.keys, d.padded_size);
  d.dv_rows = scratch.take(d.keys, d.padded_size);
  plan.launches.push_back(make_launch(d, kBackward, d.batches * d.kv_heads, scratch.used()));
  return plan;
}

namespace {

using namespace attention;

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  const double scale = scale_of(attrs, in[0].shape);
  return plan_attention(in[0], in[1], in[2], out[0], out[1], attrs.flag("is_causal"), scale);
}

const OpPlan* planned = on_cpu("attention", {.plan = plan});

}  // namespace

}  // namespace pt
