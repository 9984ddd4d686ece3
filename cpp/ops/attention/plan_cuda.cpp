#include <algorithm>
#include <initializer_list>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "ops/attention/cuda_desc.h"
#include "ops/attention/plan.h"

namespace pt::cuda {
namespace {

constexpr int kWorkspace = -1;

AttentionMatrix matrix(const Operand& x) { return {x.strides[0], x.strides[1], x.strides[2], x.strides[3]}; }

bool in_vectors(const Operand& x) {
  const int64_t vector = 16 / static_cast<int64_t>(size_of(x.dtype));
  const auto whole = [&](int64_t n) { return n % vector == 0; };
  return x.strides[3] == 1 && whole(x.shape[3]) && whole(x.strides[0]) && whole(x.strides[1]) && whole(x.strides[2]);
}

AttentionProblem describe(const Operand& q, const Operand& k, const Operand& v, const Operand& out,
                          const Attrs& attrs) {
  AttentionProblem p{};
  p.batches = q.shape[0], p.queries = q.shape[1], p.heads = q.shape[2], p.size = q.shape[3];
  p.keys = k.shape[1], p.kv_heads = k.shape[2];
  p.q = matrix(q), p.k = matrix(k), p.v = matrix(v), p.out = matrix(out);
  p.q_vectors = in_vectors(q), p.k_vectors = in_vectors(k), p.v_vectors = in_vectors(v);
  p.type = q.dtype;
  p.causal = attrs.flag("is_causal");
  p.scale = attention::scale_of(attrs, q.shape);
  p.part = q.dtype != DType::F64 && p.size > 64 ? 128 : 64;
  p.parts = ceil_div(p.size, p.part);
  return p;
}

// What AttentionMemory takes (cuda_block.h): two stages of both operands, the weights, two stages of the second
// product.
uint32_t shared_bytes(const AttentionProblem& p) {
  const int64_t size = p.type == DType::F64 ? 8 : 4, pad = 16 / size;
  const int64_t row = kAttentionRows + pad;
  return static_cast<uint32_t>((4 * 16 * row + kAttentionRows * row + 2 * 16 * (p.part + pad)) * size);
}

// Blocks of `rows` rows of so many heads. products: of all queries and keys that a block makes.
Launch make_launch(const std::string& kernel, AttentionProblem p, int64_t rows, int64_t heads, int products,
                   std::vector<int> operands) {
  const char* type = p.type == DType::F64 ? "_f64" : p.type == DType::F32 ? "_f32" : "_half";
  p.blocks = ceil_div(rows, kAttentionRows);
  const double pairs = static_cast<double>(p.batches * p.heads * p.queries) * static_cast<double>(p.keys);
  const double elements = static_cast<double>(p.batches * (p.heads * p.queries + p.kv_heads * p.keys) * p.size);
  const Geometry geometry{.grid = blocks_for(p.batches * heads * p.blocks * p.parts, 1, int64_t{1} << 30),
                          .block = 256,
                          .shared_bytes = shared_bytes(p)};
  Launch launch = cuda_launch(kernel + type + "_" + std::to_string(p.part), geometry, p,
                              static_cast<int>(operands.size()), 2 * elements * static_cast<double>(size_of(p.type)),
                              2 * products * pairs * static_cast<double>(p.size) * (p.causal ? 0.5 : 1));
  launch.operands = std::move(operands);
  return launch;
}

LaunchPlan plan_forward(const CudaCall& call) {
  LaunchPlan plan;
  if (count(call.out[0].shape) == 0) return plan;
  const AttentionProblem p = describe(call.in[0], call.in[1], call.in[2], call.out[0], call.attrs);
  plan.launches.push_back(make_launch("attention", p, p.queries, p.heads, 2, {0, 1, 2, 3, 4}));
  return plan;
}

// Operands: q, k, v, out, lse, dout, dq, dk, dv.
LaunchPlan plan_backward(const CudaCall& call) {
  LaunchPlan plan;
  const Operand &q = call.in[0], &k = call.in[1], &dout = call.in[5];
  if (count(q.shape) == 0 && count(k.shape) == 0) return plan;
  AttentionProblem p = describe(q, k, call.in[2], call.in[3], call.attrs);
  p.dout = matrix(dout), p.dq = matrix(call.out[0]), p.dk = matrix(call.out[1]), p.dv = matrix(call.out[2]);
  p.dout_vectors = in_vectors(dout);
  const int64_t rows = p.batches * p.heads * p.queries, size = p.type == DType::F64 ? 8 : 4;
  plan.workspace_bytes = std::max<int64_t>(rows * size, 1);
  if (count(q.shape) > 0) {
    const Geometry geometry{.grid = blocks_for(rows, 8), .block = 256};
    plan.launches.push_back(cuda_launch(size == 8 ? "attention_dots_f64" : "attention_dots_f32", geometry, p, 3,
                                        2.0 * static_cast<double>(count(q.shape) * size)));
    plan.launches.back().operands = {3, 5, kWorkspace};
    plan.launches.push_back(make_launch("attention_dq", p, p.queries, p.heads, 3, {0, 1, 2, 4, 5, kWorkspace, 6}));
  }
  if (count(k.shape) > 0) {
    plan.launches.push_back(make_launch("attention_dk", p, p.keys, p.kv_heads, 3, {0, 1, 2, 4, 5, kWorkspace, 7}));
    plan.launches.push_back(make_launch("attention_dv", p, p.keys, p.kv_heads, 2, {0, 1, 2, 4, 5, kWorkspace, 8}));
  }
  return plan;
}

const bool forward = on_cuda("attention", plan_forward);
const bool backward = on_cuda("attention_backward", plan_backward);

}  // namespace
}  // namespace pt::cuda
