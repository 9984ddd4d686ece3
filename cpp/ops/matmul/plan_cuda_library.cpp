// Which products cuBLASLt computes. That is a question of the product alone, and not of what follows it: a step has the
// same bits whether its calls are fused or not.
#include "ops/matmul/plan_cuda_library.h"

#include <algorithm>

#include "cuda/products.h"

namespace pt::cuda {
namespace {

constexpr int kWorkspace = -1;

// What follows a product takes a launch of its own behind the library's, and each number of the result is written and
// read once more. By the rates of docs/benchmarks/gpu.md an H100 does 480 multiply-adds of bf16 in that time, and our
// kernels, which have no such launch, reach about two thirds of the library's rate. From here on the library is as fast
// with something behind it, and half again as fast without.
constexpr int64_t kDeepEnough = 768;

// One matrix, `lines` times `along`; -1 where its neighbours are not neighbours in memory, or lines overlap.
int64_t lead_of(int64_t lines, int64_t line_stride, int64_t along, int64_t stride) {
  if (along > 1 && stride != 1) return -1;
  if (lines == 1) return along;
  return line_stride >= along ? line_stride : -1;
}

std::optional<LibraryProduct> as_library_product(const TileProduct& p) {
  const DType type = p.left_type;
  const bool known = type == DType::F32 || type == DType::F64 || is_half(type);
  const bool sums_kept = is_half(type) && p.out_type == DType::F32;
  if (!known || type != p.right_type || (p.out_type != type && !sums_kept)) return {};
  if (p.depth < kDeepEnough || p.batch_axes > 1) return {};
  LibraryProduct made{};
  made.rows = p.rows, made.cols = p.cols, made.depth = p.depth, made.batches = p.batches;
  made.type = p.left_type, made.out_type = p.out_type;
  const auto put = [](int64_t rows, int64_t row, int64_t cols, int64_t col, int64_t* lead, bool* turned) {
    *lead = lead_of(rows, row, cols, col);
    if (*lead >= 0) return true;
    *turned = true;
    *lead = lead_of(cols, col, rows, row);
    return *lead >= 0;
  };
  bool out_turned = false;
  if (!put(p.rows, p.left_row, p.depth, p.left_k, &made.left_lead, &made.left_turned) ||
      !put(p.depth, p.right_k, p.cols, p.right_col, &made.right_lead, &made.right_turned) ||
      !put(p.rows, p.out_row, p.cols, p.out_col, &made.out_lead, &out_turned) || out_turned)
    return {};
  if (p.batch_axes == 1) {
    made.left_batch = p.left_batch[0], made.right_batch = p.right_batch[0], made.out_batch = p.out_batch[0];
    if (made.left_batch < 0 || made.right_batch < 0 || made.out_batch <= 0) return {};
  }
  return made;
}

std::string kernel_of(const LibraryProduct& product) {
  const std::string type(product.tf32 ? "tf32" : info(product.type).brief);
  return "cublaslt_" + type + (product.bias ? "_bias" : "");
}

// Asks the library. The rest of the launch's parameters is the caller's.
std::optional<LibraryLaunch> chosen(const LibraryProduct& product, const CudaCall& call) {
  LibraryLaunch launch{};
  launch.product = product;
  launch.left = 0, launch.right = 1, launch.out = 2, launch.own_operands = 3;
  launch.bias = launch.workspace = -1;
  return call.products->choose(product, &launch.choice) ? std::optional(launch) : std::nullopt;
}
std::optional<LibraryLaunch> chosen(const TileProduct& p, const CudaCall& call) {
  std::optional<LibraryProduct> product;
  if (call.products) product = as_library_product(p);
  if (!product) return {};
  product->tf32 = product->type == DType::F32 && call.products->wants_tf32();
  return chosen(*product, call);
}

// Adds the launch, whose operands are these of the plan, and then the workspace where the algorithm needs some.
void append(LaunchPlan& plan, LibraryLaunch params, const Launch& own, std::vector<int> operands,
            int64_t workspace_from) {
  const int64_t bytes = params.choice.workspace_bytes;
  std::vector<int64_t> offsets(operands.size(), 0);
  if (bytes > 0) {
    params.workspace = static_cast<int32_t>(operands.size());
    operands.push_back(kWorkspace);
    offsets.push_back(workspace_from);
  }
  plan.workspace_bytes = std::max(plan.workspace_bytes, workspace_from + bytes);
  const int count = static_cast<int>(operands.size());
  Launch launch = library_launch(kernel_of(params.product), params, own, count);
  launch.operands = std::move(operands);
  if (workspace_from > 0) launch.byte_offsets = std::move(offsets);
  plan.launches.push_back(std::move(launch));
}

// Our own kernel for the product alone, without parts of K: a part's sums would need a second launch.
Launch own_launch(const TileProduct& p, const CudaCall& call) {
  LaunchPlan own;
  append_tiles(own, "matmul_", p, kernel_kind(p.left_type, p.right_type), false, call, {0, 1, 2});
  return own.launches.front();
}

// The bias and the result where the chain is exactly what the library's own epilogue does: one addition to the sums of
// f32, before anything is rounded. Its ReLU makes a 0 of a NaN, which no guard would see, and how exact its GELU is, is
// not stated: those stay ours.
struct Bias {
  int bias, out;
};
std::optional<Bias> bias_of(const Epilogue& then, const TileProduct& p) {
  if (then.n_ops != 2 || p.out_type != DType::F32) return {};
  const EpilogueOp &add = then.ops[0], &store = then.ops[1];
  if (add.code != EpilogueCode::Add || add.operand < 0 || store.code != EpilogueCode::Store) return {};
  const EpilogueOperand &bias = then.operands[add.operand], &out = then.operands[store.operand];
  const auto is_zero = [](int64_t stride) { return stride == 0; };
  if (bias.type != DType::F32 || bias.row != 0 || (bias.col != 1 && p.cols > 1) || out.type != DType::F32 ||
      !std::all_of(bias.batch, bias.batch + p.batch_axes, is_zero))
    return {};
  return Bias{add.operand, store.operand};
}

std::optional<LaunchPlan> with_bias(const EpilogueProduct& params, const LibraryProduct& plain, const Launch& own,
                                    const CudaCall& call) {
  const TileProduct& p = params.product;
  const std::optional<Bias> found = bias_of(params.then, p);
  if (!found) return {};
  const EpilogueOperand& out = params.then.operands[found->out];
  if (out.row != p.out_row || out.col != p.out_col || !std::equal(p.out_batch, p.out_batch + p.batch_axes, out.batch))
    return {};
  LibraryProduct product = plain;
  product.bias = true;
  std::optional<LibraryLaunch> launch = chosen(product, call);
  if (!launch) return {};
  launch->bias = 2 + found->bias, launch->out = 2 + found->out;
  launch->own_operands = 2 + params.then.n_operands;
  std::vector<int> operands;
  for (int i = 0; i < launch->own_operands; ++i) operands.push_back(i);
  LaunchPlan plan;
  append(plan, *launch, own, std::move(operands), 0);
  return plan;
}

// An output of the program in which the product can lie before; 0 where there is none. What the program reads beside
// it must not lie there: an input in place of which an output is written has an element for each of its own.
int output_for_product(const FusedProgram& program, const Operand& result) {
  const auto is_repeated = [&](const FusedOperand& input) {
    for (int axis = 0; axis < program.extents.size(); ++axis)
      if (input.strides[axis] == 0 && program.extents[axis] > 1) return true;
    return false;
  };
  const auto inputs = program.operands.begin() + program.inputs;
  if (!std::all_of(program.operands.begin() + 1, inputs, is_repeated)) return 0;
  const auto found = std::find_if(inputs, program.operands.end(), [&](const FusedOperand& output) {
    return output.dtype == result.dtype && output.strides == row_major(result.shape);
  });
  return found == program.operands.end() ? 0 : static_cast<int>(found - program.operands.begin());
}

// Of the program by itself: its first operand is the product, as operand `product` of the plan. Its own workspace
// begins at `from`.
void append_program(LaunchPlan& plan, LaunchPlan behind, int n_operands, int product, int64_t from) {
  for (Launch& launch : behind.launches) {
    if (launch.operands.empty()) {
      for (int i = 0; i < n_operands; ++i) launch.operands.push_back(i);
      if (behind.workspace_bytes > 0) launch.operands.push_back(kWorkspace);
    }
    launch.byte_offsets.resize(launch.operands.size(), 0);
    for (std::size_t i = 0; i < launch.operands.size(); ++i) {
      int& operand = launch.operands[i];
      if (operand < 0) launch.byte_offsets[i] += from;
      operand = operand > 0 ? operand + 1 : operand == 0 ? product : kWorkspace;
    }
    plan.launches.push_back(std::move(launch));
  }
  if (behind.workspace_bytes > 0) plan.workspace_bytes = std::max(plan.workspace_bytes, from + behind.workspace_bytes);
}

}  // namespace

std::optional<LaunchPlan> plan_by_library(const TileProduct& product, const CudaCall& call,
                                          const std::vector<int>& operands) {
  const std::optional<LibraryLaunch> launch = chosen(product, call);
  if (!launch) return {};
  LaunchPlan plan;
  append(plan, *launch, own_launch(product, call), operands, 0);
  return plan;
}

std::optional<LaunchPlan> plan_followed_by_library(const TileProduct& product, const EpilogueProduct& params,
                                                   const Launch& own, const Operand& result,
                                                   const FusedProgram& program, const CudaCall& call) {
  std::optional<LibraryLaunch> launch = chosen(product, call);
  if (!launch) return {};
  if (std::optional<LaunchPlan> plan = with_bias(params, launch->product, own, call)) return plan;
  LaunchPlan plan;
  const int output = output_for_product(program, result), at = output ? output + 1 : kWorkspace;
  const int64_t size = count(result.shape) * static_cast<int64_t>(size_of(result.dtype));
  const int64_t bytes = output ? 0 : round_up(size, 256);
  launch->private_result = output == 0;
  append(plan, *launch, own_launch(product, call), {0, 1, at}, bytes);
  FusedProgram behind = program;
  behind.operands[0] = {result.dtype, row_major(result.shape)};
  append_program(plan, plan_fused(behind, call.capability, call.units, call.printed),
                 static_cast<int>(program.operands.size()), at, bytes);
  return plan;
}

}  // namespace pt::cuda
