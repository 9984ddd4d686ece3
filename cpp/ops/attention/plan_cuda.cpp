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
  p.out_vectors = in_vectors(out);
  p.type = q.dtype;
  p.causal = attrs.flag("is_causal");
  p.scale = attention::scale_of(attrs, q.shape);
  p.part = q.dtype != DType::F64 && p.size > 64 ? 128 : 64;
  p.parts = ceil_div(p.size, p.part);
  return p;
}

// Heads that are too wide for matrix instructions are widened to f32.
bool by_matrices(const AttentionProblem& p) {
  constexpr int64_t kMost = int64_t{1} << 30;  // of what the kernels count in 32 bits
  const bool counted = std::max({p.queries, p.keys, p.heads, p.batches}) < kMost;
  return counted && is_half(p.type) && p.size <= kMostHalfSize;
}

// How a kernel is cut: the end of its name, and its rows, threads and shared memory of a block.
struct Cut {
  std::string name;
  int64_t rows;
  Geometry geometry;
};

template <class Shape>
Cut cut_by_matrices(const AttentionProblem& p) {
  return {(p.type == DType::BF16 ? "_bf16_" : "_f16_") + std::to_string(Shape::kSize),
          Shape::kRows,
          {.block = Shape::kThreads, .shared_bytes = sizeof(HalfMemory<Shape>)}};
}

// Shared memory is what AttentionMemory takes (cuda_block.h): two stages of both operands, the weights, two stages of
// the second product.
Cut cut_of_scalars(const AttentionProblem& p) {
  const int64_t size = p.type == DType::F64 ? 8 : 4, pad = 16 / size, row = kAttentionRows + pad;
  const int64_t shared = (4 * 16 * row + kAttentionRows * row + 2 * 16 * (p.part + pad)) * size;
  const char* type = p.type == DType::F64 ? "_f64_" : p.type == DType::F32 ? "_f32_" : "_half_";
  return {type + std::to_string(p.part), kAttentionRows, {.block = 256, .shared_bytes = static_cast<uint32_t>(shared)}};
}

// Of a kernel: matrices of the queries' shape and of the keys' that it moves, and products of all queries and keys.
struct Work {
  int of_queries, of_keys, products;
};

// Blocks of rows of so many heads.
Launch make_launch(const std::string& kernel, AttentionProblem p, Cut cut, int64_t rows, int64_t heads,
                   const Work& work, std::vector<int> operands) {
  p.blocks = ceil_div(rows, cut.rows);
  const double pairs = static_cast<double>(p.batches * p.heads * p.queries) * static_cast<double>(p.keys);
  const auto elements = static_cast<double>(
      p.batches * p.size * (work.of_queries * p.heads * p.queries + work.of_keys * p.kv_heads * p.keys));
  cut.geometry.grid = blocks_for(p.batches * heads * p.blocks * p.parts, 1, int64_t{1} << 30);
  Launch launch = cuda_launch(kernel + cut.name, cut.geometry, p, static_cast<int>(operands.size()),
                              elements * static_cast<double>(size_of(p.type)),
                              2 * work.products * pairs * static_cast<double>(p.size) * (p.causal ? 0.5 : 1));
  launch.operands = std::move(operands);
  return launch;
}

LaunchPlan plan_forward(const CudaCall& call) {
  LaunchPlan plan;
  if (count(call.out[0].shape) == 0) return plan;
  const AttentionProblem p = describe(call.in[0], call.in[1], call.in[2], call.out[0], call.attrs);
  const Cut cut = !by_matrices(p) ? cut_of_scalars(p)
                  : p.size <= 64  ? cut_by_matrices<HalfForward<64>>(p)
                                  : cut_by_matrices<HalfForward<kMostHalfSize>>(p);
  plan.launches.push_back(make_launch("attention", p, cut, p.queries, p.heads, {2, 2, 2}, {0, 1, 2, 3, 4}));
  return plan;
}

// Operands: q, k, v, out, lse, dout, dq, dk, dv. The workspace has the sum of dout * out for each query.
void append_by_matrices(LaunchPlan& plan, const AttentionProblem& p) {
  const Cut cut = p.size <= 64 ? cut_by_matrices<HalfBackward<64>>(p) : cut_by_matrices<HalfBackward<kMostHalfSize>>(p);
  if (p.heads * p.queries > 0)
    plan.launches.push_back(
        make_launch("attention_dq", p, cut, p.queries, p.heads, {4, 2, 3}, {0, 1, 2, 3, 4, 5, kWorkspace, 6}));
  if (p.keys > 0)
    plan.launches.push_back(
        make_launch("attention_dkv", p, cut, p.keys, p.kv_heads, {2, 4, 4}, {0, 1, 2, 4, 5, kWorkspace, 7, 8}));
}

void append_of_scalars(LaunchPlan& plan, const AttentionProblem& p) {
  const Cut cut = cut_of_scalars(p);
  const int64_t rows = p.batches * p.heads * p.queries, size = p.type == DType::F64 ? 8 : 4;
  if (rows > 0) {
    const Geometry geometry{.grid = blocks_for(rows, 8), .block = 256};
    plan.launches.push_back(
        cuda_launch(size == 8 ? "attention_dots_f64" : "attention_dots_f32", geometry, p, 3,
                    2.0 * static_cast<double>(rows * p.size) * static_cast<double>(size_of(p.type))));
    plan.launches.back().operands = {3, 5, kWorkspace};
    plan.launches.push_back(
        make_launch("attention_dq", p, cut, p.queries, p.heads, {3, 2, 3}, {0, 1, 2, 4, 5, kWorkspace, 6}));
  }
  if (p.keys > 0) {
    plan.launches.push_back(
        make_launch("attention_dk", p, cut, p.keys, p.kv_heads, {2, 3, 3}, {0, 1, 2, 4, 5, kWorkspace, 7}));
    plan.launches.push_back(
        make_launch("attention_dv", p, cut, p.keys, p.kv_heads, {2, 3, 2}, {0, 1, 2, 4, 5, kWorkspace, 8}));
  }
}

LaunchPlan plan_backward(const CudaCall& call) {
  LaunchPlan plan;
  const Operand &q = call.in[0], &k = call.in[1], &dout = call.in[5];
  if (count(q.shape) == 0 && count(k.shape) == 0) return plan;
  AttentionProblem p = describe(q, k, call.in[2], call.in[3], call.attrs);
  p.dout = matrix(dout), p.dq = matrix(call.out[0]), p.dk = matrix(call.out[1]), p.dv = matrix(call.out[2]);
  p.dout_vectors = in_vectors(dout), p.dq_vectors = in_vectors(call.out[0]);
  p.dk_vectors = in_vectors(call.out[1]), p.dv_vectors = in_vectors(call.out[2]);
  const int64_t rows = p.batches * p.heads * p.queries;
  plan.workspace_bytes = std::max<int64_t>(rows * (p.type == DType::F64 ? 8 : 4), 1);
  by_matrices(p) ? append_by_matrices(plan, p) : append_of_scalars(plan, p);
  return plan;
}

const bool forward = on_cuda("attention", plan_forward);
const bool backward = on_cuda("attention_backward", plan_backward);

}  // namespace
}  // namespace pt::cuda
