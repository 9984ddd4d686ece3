// How a matrix product is cut: which operand plays which role, what is copied, and which region each chunk computes.
// None of it can change a bit of the result: the order of every sum depends on K alone.
#include <algorithm>
#include <utility>

#include "core/error.h"
#include "ops/matmul/desc.h"
#include "ops/matmul/plan.h"
#include "ops/matmul/product.h"
#include "ops/matmul/spec_amx.h"

namespace pt {
namespace {

void check(const Operand& a, const Operand& b, const Operand& c) {
  const auto fail = [&](const char* expected) {
    throw ShapeError(text("[matmul] a is ", a.shape, ", b is ", b.shape, ", c is ", c.shape, "; ", expected));
  };
  if (a.shape.size() < 2 || b.shape.size() < 2 || c.shape.size() < 2)
    fail("each needs at least two axes; add an axis of size 1");
  const int na = a.shape.size(), nb = b.shape.size(), nc = c.shape.size();
  if (nc - 2 > kMaxBatchAxes) fail("at most 6 batch axes are expected; merge some");
  if (a.shape[na - 1] != b.shape[nb - 2] || a.shape[na - 2] != c.shape[nc - 2] || b.shape[nb - 1] != c.shape[nc - 1])
    fail("c[m, n] = a[m, k] b[k, n] is expected; transpose or slice an operand");
  for (const Operand* p : {&a, &b}) {
    const int extra = nc - p->shape.size();
    for (int i = 0; i + 2 < p->shape.size(); ++i) {
      const bool fits = i + extra >= 0 && (p->shape[i] == 1 || p->shape[i] == c.shape[i + extra]);
      if (!fits) fail("batch axes equal to those of c, or 1, are expected; broadcast or slice an operand");
    }
  }
  for (const Operand* p : {&a, &b, &c}) {
    const bool known = is_half(p->dtype) || p->dtype == DType::F32 || p->dtype == DType::F64;
    if (!known || (p->dtype == DType::F64) != (c.dtype == DType::F64))
      throw DTypeError(text("[matmul] a is ", info(a.dtype).brief, ", b is ", info(b.dtype).brief, ", c is ",
                            info(c.dtype).brief, "; all f64, or a mix of f32, bf16 and f16, is expected; cast one"));
  }
}

// The batch axes of an operand, as strides along the batch axes of c.
Strides batch_strides(const Operand& x, const Shape& batch) {
  Shape shape;
  Strides strides;
  for (int i = 0; i + 2 < x.shape.size(); ++i) {
    shape.push_back(x.shape[i]);
    strides.push_back(x.strides[i]);
  }
  return broadcast_strides(shape, strides, batch);
}

void set_batch(MatmulDesc& d, const Batch& batch) {
  d.rows = batch.rows;
  d.left_row = batch.walks[0].row, d.out_row = batch.walks[2].row;
  d.batch_axes = batch.extents.size();
  d.batches = count(batch.extents);
  for (int i = 0; i < d.batch_axes; ++i) {
    d.batch_extent[i] = batch.extents[i];
    d.left_batch[i] = batch.walks[0].batch[i];
    d.right_batch[i] = batch.walks[1].batch[i];
    d.out_batch[i] = batch.walks[2].batch[i];
  }
}

// Cycles, roughly: what padding to whole vectors wastes, packing the right operand, and storing a transposed result.
double cost(const MatmulDesc& d) {
  const double vectors = static_cast<double>(ceil_div(d.cols, 8));
  // A single vector of columns is bound by the broadcasts, not by the multiply-adds.
  double cycles = static_cast<double>(d.rows) * d.depth * (vectors == 1 ? 0.75 : vectors * 0.5);
  const double packed = static_cast<double>(d.cols) * d.depth * ceil_div(d.rows, 256);
  // Tiles interleave rows of pairs beside their sums.
  const bool apart = is_half(d.right_type) && !d.pairs;
  if (!contiguous_columns(d.right_col, d.cols) || apart) cycles += 0.5 * packed;
  if (!contiguous_columns(d.out_col, d.cols)) cycles += static_cast<double>(d.rows) * d.cols;
  return cycles;
}

void choose_roles(MatmulDesc& d) {
  MatmulDesc other = d;
  swap_roles(other);
  if (cost(other) < cost(d)) d = other;
}

// Counts K in pairs.
void multiply_in_pairs(MatmulDesc& d, const PlanContext& context) {
  if (!context.multiplies_pairs || d.left_type != DType::BF16 || d.right_type != DType::BF16) return;
  d.pairs = true;
  d.half_pair = d.depth % 2 != 0;
  d.depth = ceil_div(d.depth, 2);
  d.left_odd = d.left_k, d.left_k *= 2;
  d.right_odd = d.right_k, d.right_k *= 2;
}

Batch batch_of(const Operand& a, const Operand& b, const Operand& c, const FusedProgram* epilogue) {
  const int n = c.shape.size();
  Batch batch;
  batch.rows = c.shape[n - 2];
  for (int i = 0; i + 2 < n; ++i) batch.extents.push_back(c.shape[i]);
  for (const Operand* x : {&a, &b, &c})
    batch.walks.push_back({x == &b ? 0 : x->strides[x->shape.size() - 2], batch_strides(*x, batch.extents)});
  if (!epilogue) return batch;
  batch.walks[2] = batch.walks[0];  // the product itself is not stored
  for (const FusedOperand& operand : epilogue->operands) {
    const bool whole = operand.strides.size() == n;  // else the state of a generator
    Walk walk = {whole ? operand.strides[n - 2] : 0, {}};
    for (int i = 0; i + 2 < n; ++i) walk.batch.push_back(whole ? operand.strides[i] : 0);
    batch.walks.push_back(walk);
  }
  batch.walks[3] = batch.walks[0];
  return batch;
}

// The cast to f32 of a product of 16 bits, as of a weight's gradient, needs no program.
bool only_widens(const FusedProgram& program, DType product) {
  return is_half(product) && program.operands.size() == 2 && program.operands[1].dtype == DType::F32 &&
         program.steps.size() == 2 && program.steps[0].kind == StepKind::Load &&
         program.steps[1].kind == StepKind::Store && program.steps[1].args[0] == 0;
}

// Nor does its sum with what lies as the result does, as of the gradients of a weight that is used twice.
bool widens_and_adds(const FusedProgram& program, DType product) {
  const auto& operands = program.operands;
  const auto& steps = program.steps;
  if (!is_half(product) || operands.size() != 3 || program.inputs != 2 || steps.size() != 4) return false;
  if (operands[1].dtype != DType::F32 || operands[2].dtype != DType::F32) return false;
  if (operands[1].strides != operands[2].strides || steps[0].kind != StepKind::Load || steps[1].kind != StepKind::Load)
    return false;
  const bool both = steps[2].args[0] + steps[2].args[1] == 1 && steps[0].operand != steps[1].operand;
  return both && steps[2].kind == StepKind::Math && steps[2].op == "add" && steps[2].dtype == DType::F32 &&
         steps[3].kind == StepKind::Store && steps[3].args[0] == 2;
}

// How a product is stored that is first rounded to 16 bits: the dtype of these, and what is added.
struct Rounding {
  DType type;
  bool adds = false;
};

LaunchPlan plan_product(const Operand& a, const Operand& b, const Operand& c, const FusedProgram* epilogue,
                        const PlanContext& context, bool accumulate, Dots dots, Rounding rounding) {
  MatmulDesc d = {};
  LaunchPlan plan;
  if (count(c.shape) == 0) return plan;
  Batch batch = batch_of(a, b, c, epilogue);
  simplify(batch);
  set_batch(d, batch);
  d.cols = c.shape.back(), d.depth = a.shape.back();
  d.left_k = a.strides.back(), d.out_col = c.strides.back();
  d.right_k = b.strides[b.shape.size() - 2], d.right_col = b.strides.back();
  d.left_type = a.dtype, d.right_type = b.dtype, d.out_type = c.dtype;
  d.accumulate = accumulate;
  d.rounds = rounding.type != c.dtype, d.rounded_type = rounding.type;
  if (epilogue) d.out_row = d.cols;  // which follows C as it lies in scratch: rows that are contiguous
  d.adds = rounding.adds, d.added_at = 2;
  d.left_at = 0, d.right_at = 1, d.out_at = d.adds ? 3 : 2, d.epilogue_at = 2;
  d.workspace_at = epilogue ? 1 + static_cast<int>(epilogue->operands.size()) : d.out_at + 1;
  if (dots == Dots::Hardware && takes_amx(d, context)) {
    choose_amx_roles(d);
    complete_amx(d);
  } else {
    if (dots == Dots::Hardware) multiply_in_pairs(d, context);
    choose_roles(d);
    complete_product(d, context, false, epilogue != nullptr || d.rounds);
  }
  const Descriptor descriptor = epilogue ? with_epilogue(d, &d, sizeof(d), *epilogue, batch, 3) : Descriptor::of(d);
  append_product(plan, "matmul", descriptor, d);
  let_check(plan, d, c);
  plan.launches[0].bytes = static_cast<double>(count(a.shape) * size_of(a.dtype) + count(b.shape) * size_of(b.dtype) +
                                               count(c.shape) * size_of(c.dtype) * (accumulate || d.adds ? 2 : 1));
  return plan;
}

}  // namespace

void swap_roles(MatmulDesc& d) {
  std::swap(d.rows, d.cols);
  std::swap(d.left_row, d.right_col);
  std::swap(d.left_k, d.right_k);
  std::swap(d.left_odd, d.right_odd);
  std::swap(d.out_row, d.out_col);
  std::swap(d.left_batch, d.right_batch);
  std::swap(d.left_type, d.right_type);
  std::swap(d.left_at, d.right_at);
  d.swapped = !d.swapped;
}

LaunchPlan plan_matmul(const Operand& a, const Operand& b, const Operand& c, const PlanContext& context,
                       bool accumulate, Dots dots) {
  check(a, b, c);
  return plan_product(a, b, c, nullptr, context, accumulate, dots, {c.dtype});
}

LaunchPlan plan_matmul(const Operand& a, const Operand& b, const TensorType& c, const FusedProgram& epilogue,
                       const PlanContext& context, Dots dots) {
  const Operand product = {c.dtype, c.shape, row_major(c.shape)};
  check(a, b, product);
  std::string why;
  if (!epilogue_fits(epilogue, c.shape, c.dtype, &why)) throw Error(text("[matmul] ", why));
  if (only_widens(epilogue, c.dtype)) {
    const Operand out = {DType::F32, c.shape, epilogue.operands[1].strides};
    return plan_product(a, b, out, nullptr, context, false, dots, {c.dtype});
  }
  if (widens_and_adds(epilogue, c.dtype)) {
    const Operand out = {DType::F32, c.shape, epilogue.operands[2].strides};
    return plan_product(a, b, out, nullptr, context, false, dots, {c.dtype, true});
  }
  return plan_product(a, b, product, &epilogue, context, false, dots, {c.dtype});
}

}  // namespace pt
