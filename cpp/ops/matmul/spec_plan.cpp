// How a matrix product is cut: which operand plays which role, what is copied, and which region each chunk computes.
// None of it can change a bit of the result: the order of every sum depends on K alone.
#include <algorithm>
#include <utility>

#include "core/error.h"
#include "ops/matmul/desc.h"
#include "ops/matmul/plan.h"
#include "ops/matmul/product.h"

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

// Drops batch axes of size 1, joins those that are one stride in all three, and makes rows of an axis that the right
// operand does not have: a linear layer over [batch, time, features] is one product.
void set_batch(MatmulDesc& d, const Shape& batch, const Strides& left, const Strides& right, const Strides& out) {
  d.batch_axes = 0;
  for (int i = 0; i < batch.size(); ++i) {
    if (batch[i] == 1) continue;
    const int last = d.batch_axes - 1;
    if (last >= 0 && d.left_batch[last] == left[i] * batch[i] && d.right_batch[last] == right[i] * batch[i] &&
        d.out_batch[last] == out[i] * batch[i]) {
      d.batch_extent[last] *= batch[i];
      d.left_batch[last] = left[i], d.right_batch[last] = right[i], d.out_batch[last] = out[i];
      continue;
    }
    const int at = d.batch_axes++;
    d.batch_extent[at] = batch[i];
    d.left_batch[at] = left[i], d.right_batch[at] = right[i], d.out_batch[at] = out[i];
  }
  while (d.batch_axes > 0) {
    const int last = d.batch_axes - 1;
    const bool one_row = d.rows == 1;
    const bool follows = d.left_batch[last] == d.rows * d.left_row && d.out_batch[last] == d.rows * d.out_row;
    if (d.right_batch[last] != 0 || !(follows || one_row)) break;
    if (one_row) d.left_row = d.left_batch[last], d.out_row = d.out_batch[last];
    d.rows *= d.batch_extent[last];
    d.batch_axes = last;
  }
  d.batches = 1;
  for (int i = 0; i < d.batch_axes; ++i) d.batches *= d.batch_extent[i];
}

void swap_roles(MatmulDesc& d) {
  std::swap(d.rows, d.cols);
  std::swap(d.left_row, d.right_col);
  std::swap(d.left_k, d.right_k);
  std::swap(d.out_row, d.out_col);
  std::swap(d.left_batch, d.right_batch);
  std::swap(d.left_type, d.right_type);
  std::swap(d.left_at, d.right_at);
  d.swapped = !d.swapped;
}

// Cycles, roughly: what padding to whole vectors wastes, packing the right operand, and storing a transposed result.
double cost(const MatmulDesc& d) {
  double cycles = static_cast<double>(d.rows) * round_up(d.cols, 8) * d.depth / 16;
  const double packed = static_cast<double>(d.cols) * d.depth * ceil_div(d.rows, kRowChunk);
  if (!contiguous_columns(d.right_col, d.cols) || is_half(d.right_type)) cycles += packed;
  if (!contiguous_columns(d.out_col, d.cols)) cycles += static_cast<double>(d.rows) * d.cols;
  return cycles;
}

void choose_roles(MatmulDesc& d) {
  MatmulDesc other = d;
  swap_roles(other);
  if (cost(other) < cost(d)) d = other;
}

}  // namespace

LaunchPlan plan_matmul(const Operand& a, const Operand& b, const Operand& c, bool accumulate) {
  check(a, b, c);
  MatmulDesc d = {};
  const int na = a.shape.size(), nb = b.shape.size(), nc = c.shape.size();
  d.rows = c.shape[nc - 2], d.cols = c.shape[nc - 1], d.depth = a.shape[na - 1];
  d.left_row = a.strides[na - 2], d.left_k = a.strides[na - 1];
  d.right_k = b.strides[nb - 2], d.right_col = b.strides[nb - 1];
  d.out_row = c.strides[nc - 2], d.out_col = c.strides[nc - 1];
  d.left_type = a.dtype, d.right_type = b.dtype, d.out_type = c.dtype;
  d.accumulate = accumulate;
  Shape batch;
  for (int i = 0; i + 2 < nc; ++i) batch.push_back(c.shape[i]);
  LaunchPlan plan;
  if (count(c.shape) == 0) return plan;
  set_batch(d, batch, batch_strides(a, batch), batch_strides(b, batch), batch_strides(c, batch));
  d.left_at = 0, d.right_at = 1, d.out_at = 2, d.workspace_at = 3;
  choose_roles(d);
  complete_product(d);
  append_product(plan, "matmul", Descriptor::of(d), d);
  const int64_t elements[] = {count(a.shape), count(b.shape), count(c.shape) * (accumulate ? 2 : 1)};
  plan.launches[0].bytes = static_cast<double>(elements[0] * size_of(a.dtype) + elements[1] * size_of(b.dtype) +
                                               elements[2] * size_of(c.dtype));
  return plan;
}

}  // namespace pt
