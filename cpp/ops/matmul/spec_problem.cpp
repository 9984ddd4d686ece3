// What a matrix product is to compute, as its kernels see it: batch axes joined, and which operand plays which role.
#include "ops/matmul/spec_problem.h"

#include <algorithm>
#include <utility>

#include "ops/matmul/product.h"
#include "ops/matmul/spec_amx.h"

namespace pt {
namespace {

// The walks of the product and of what follows it.
Batch batch_of(const Operand& a, const Operand& b, const Operand& c, const FusedProgram* epilogue) {
  Batch batch = batch_of(a, b, c);
  if (!epilogue) return batch;
  const int n = c.shape.size();
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

void set_batch(MatmulProblem& p, const Batch& batch) {
  p.rows = batch.rows;
  p.left_row = batch.walks[0].row, p.out_row = batch.walks[2].row;
  p.batch_axes = batch.extents.size();
  p.batches = count(batch.extents);
  for (int i = 0; i < p.batch_axes; ++i) {
    p.batch_extent[i] = batch.extents[i];
    p.left_batch[i] = batch.walks[0].batch[i];
    p.right_batch[i] = batch.walks[1].batch[i];
    p.out_batch[i] = batch.walks[2].batch[i];
  }
}

// Cycles, roughly: what padding to whole vectors wastes, packing the right operand or turning it in place, and storing
// a transposed result.
double tile_role_cost(const MatmulProblem& p) {
  const double vectors = static_cast<double>(ceil_div(p.cols, 8));
  // A single vector of columns is bound by the broadcasts, not by the multiply-adds.
  double cycles = static_cast<double>(p.rows) * p.depth * (vectors == 1 ? 0.75 : vectors * 0.5);
  const double packed = static_cast<double>(p.cols) * p.depth * ceil_div(p.rows, 256);
  // Tiles interleave rows of pairs beside their sums.
  const bool apart = is_half(p.right_type) && !p.pairs, contiguous = contiguous_columns(p.right_col, p.cols);
  const double bring = streams_right(p) ? (contiguous ? 0 : 0.2) : contiguous && !apart ? 0 : 0.5;
  cycles += bring * packed;
  if (!contiguous_columns(p.out_col, p.cols)) cycles += static_cast<double>(p.rows) * p.cols;
  return cycles;
}

// C^T = B^T A^T instead: left and right change places.
void swap_roles(MatmulProblem& p) {
  std::swap(p.rows, p.cols);
  std::swap(p.left_row, p.right_col);
  std::swap(p.left_k, p.right_k);
  std::swap(p.left_odd, p.right_odd);
  std::swap(p.out_row, p.out_col);
  std::swap(p.left_batch, p.right_batch);
  std::swap(p.left_type, p.right_type);
  std::swap(p.left_at, p.right_at);
  p.swapped = !p.swapped;
}

void choose_roles(MatmulProblem& p, double (*cost)(const MatmulProblem&)) {
  MatmulProblem other = p;
  swap_roles(other);
  if (cost(other) < cost(p)) p = other;
}

// Counts K in pairs.
void multiply_in_pairs(MatmulProblem& p, const PlanContext& context) {
  if (!context.multiplies_pairs || p.left_type != DType::BF16 || p.right_type != DType::BF16) return;
  p.pairs = true;
  p.half_pair = p.depth % 2 != 0;
  p.depth = ceil_div(p.depth, 2);
  p.left_odd = p.left_k, p.left_k *= 2;
  p.right_odd = p.right_k, p.right_k *= 2;
}

}  // namespace

MatmulProblem problem_of(const Product& product, const PlanContext& context, FusedProgram* after) {
  const Operand &a = product.a, &b = product.b, &c = product.c;
  const FusedProgram* epilogue = product.epilogue;
  Batch batch = batch_of(a, b, c, epilogue);
  simplify(batch);
  MatmulProblem p = {};
  set_batch(p, batch);
  p.cols = c.shape.back(), p.depth = a.shape.back();
  p.left_k = a.strides.back(), p.out_col = c.strides.back();
  p.right_k = b.strides[b.shape.size() - 2], p.right_col = b.strides.back();
  p.left_type = a.dtype, p.right_type = b.dtype, p.out_type = c.dtype;
  p.may_split = true;
  p.rounds = product.rounded != c.dtype, p.rounded_type = product.rounded;
  p.adds = product.adds, p.added_at = 2;
  p.left_at = 0, p.right_at = 1, p.out_at = p.adds ? 3 : 2;
  p.workspace_at = p.out_at + 1;
  if (epilogue) {
    p.out_row = p.cols;  // which follows C as it lies in scratch: rows that are contiguous
    p.epilogue_at = 2, p.workspace_at = 1 + static_cast<int>(epilogue->operands.size());
    *after = follow(p, *epilogue, batch, 3);
  }
  p.hardware_dots = product.dots == Dots::Hardware;
  p.amx = p.hardware_dots && takes_amx(p, context);
  if (p.hardware_dots && !p.amx) multiply_in_pairs(p, context);
  choose_roles(p, p.amx ? amx_role_cost : tile_role_cost);
  return p;
}

}  // namespace pt
