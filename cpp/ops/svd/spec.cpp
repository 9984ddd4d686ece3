#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/factor/plan.h"
#include "ops/functional.h"
#include "ops/pieces.h"

namespace pt {
namespace {

Tensor as_row(const Tensor& x) { return fn::reshape(x, with_last(x.shape(), 1, {1, x.shape().back()})); }

// x less its part in the space of the orthonormal columns q.
Tensor beside(const Tensor& x, const Tensor& q) { return x - fn::matmul(q, fn::matmul(swap_last(q), x)); }

// Townsend 2016, of matrices with no more columns than rows: the gradient is u inner v^T, and what moves u out of its
// space.
Tensors gradient(const VjpContext& c) {
  const Tensor &u = c.out[0], &s = c.out[1];
  const Tensor v = swap_last(c.out[2]);
  const int64_t n = s.shape().back();
  const Tensor same = fn::equal(fn::reshape(counting(n, DType::I64), {n, 1}), counting(n, DType::I64));
  const Tensor squares = s * s;
  const Tensor apart = as_row(squares) - fn::reshape(squares, with_last(s.shape(), 0, {1}));
  const Tensor factor =
      fn::where(same, fn::number(0), fn::divide(fn::number(1), fn::where(same, fn::number(1), apart)));
  const Tensor row = as_row(s), column = fn::reshape(s, with_last(s.shape(), 0, {1}));
  Tensor inner = fn::zeros({s.dtype(), with_last(s.shape(), 0, {n})}), outside;
  if (c.grad[1].defined()) inner = fn::where(same, as_row(c.grad[1]), fn::number(0));
  if (c.grad[0].defined()) {
    const Tensor turning = fn::matmul(swap_last(u), c.grad[0]);
    inner = inner + factor * (turning - swap_last(turning)) * row;
    outside = fn::matmul(beside(c.grad[0], u) / row, c.out[2]);
  }
  if (c.grad[2].defined()) {
    const Tensor turning = fn::matmul(swap_last(v), swap_last(c.grad[2]));
    inner = inner + column * (factor * (turning - swap_last(turning)));
  }
  const Tensor found = fn::matmul(fn::matmul(u, inner), c.out[2]);
  return {outside.defined() ? found + outside : found};
}

// The tall form, which the kernel knows: at least as many rows as columns.
const Op* tall =
    define("svd_tall")
        .in("x", Takes::Float)
        .outputs(3)
        .contiguous()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, false);
          const TensorType& x = c.in[0];
          const int64_t n = x.shape.back();
          c.expect(x.shape[x.shape.size() - 2] >= n, text("x is ", x, "; expected no more columns than rows; use svd"));
          return {x, {x.dtype, with_last(x.shape, 2, {n})}, {x.dtype, with_last(x.shape, 2, {n, n})}};
        })
        .saves({false}, {true, true, true})
        .vjp(gradient)
        .doc(R"(svd of matrices with no more columns than rows.
Shapes    x [..., m, n] -> [..., m, n], [..., n], [..., n, n]
Dtypes    f32, f64
Errors    more columns than rows
Grad      x
Source    that of svd)",
             R"(>>> pt.ops.functional.OPERATORS["svd_tall"](pt.tensor([[3.0], [4.0]]))[1].numpy().tolist()
[5.0])");

const Op* registered =
    define("svd")
        .in("x", Takes::Float)
        .outputs(3)
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Shape& shape = in[0].shape();
          if (shape.size() < 2 || shape[shape.size() - 2] >= shape.back()) return apply(find_op("svd_tall"), in);
          const Tensors turned = apply(find_op("svd_tall"), {swap_last(in[0])});
          return {swap_last(turned[2]), turned[1], swap_last(turned[0])};
        })
        .doc(R"(x = u diag(s) vh, s descending, the columns of u and the rows of vh orthonormal; the reduced form.
Shapes    x [..., m, n] -> [..., m, k], [..., k], [..., k, n] with k = min(m, n)
Dtypes    f32, f64
Errors    less than two axes
Grad      x; infinite for the vectors of equal singular values
Numerics  of each pair, the largest component of the vector on the shorter side (the first of them) is positive;
          one-sided Jacobi in f64, rounded once; NaN where an element is not finite
Source    Hestenes 1958; Golub & Van Loan, ch. 8.6.3)",
             R"(>>> pt.linalg.svd(pt.tensor([[3.0, 0.0], [0.0, 5.0]]))[1].numpy().tolist()
[5.0, 3.0])");

const AutocastRule rule("svd", Precision::Full);

}  // namespace
}  // namespace pt
