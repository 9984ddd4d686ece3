#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

// x less its part in the space of the orthonormal columns q.
Tensor beside(const Tensor& x, const Tensor& q) { return x - fn::matmul(q, fn::matmul(adjoint(q), x)); }

// Townsend 2016, of matrices with no more columns than rows: the gradient is u inner v^H, and what moves u out of its
// space.
Tensors gradient(const VjpContext& c) {
  const Tensor &u = c.out[0], &s = c.out[1];
  const Tensor v = adjoint(c.out[2]);
  const int64_t n = s.shape().back();
  const Tensor same = on_diagonal(n), factor = inverse_gaps(s * s), row = as_row(s), column = as_column(s);
  const Tensor& du = c.grad[0];
  Tensor dv = c.grad[2].defined() ? adjoint(c.grad[2]) : c.grad[2];
  Tensor inner = fn::zeros({u.dtype(), with_last(s.shape(), 0, {n})}), outside;
  if (c.grad[1].defined()) inner = fn::where(same, as_row(c.grad[1]), fn::number(0));
  if (is_complex(u.dtype()) && (du.defined() || dv.defined())) {
    // Columns of u and v turn together, as the largest component of v's bids, and those of u against v's by x.
    const Tensor by_u = du.defined() ? by_phase(u, du) : fn::zeros(row.type());
    if (!dv.defined()) dv = fn::zeros(v.type());
    dv = with_followed_phase(v, dv, by_u + by_phase(v, dv));
    inner = inner + make_complex(fn::zeros(row.type()), fn::where(same, by_u / row, fn::number(0)));
  }
  if (du.defined()) {
    const Tensor turning = fn::matmul(adjoint(u), du);
    inner = inner + factor * (turning - adjoint(turning)) * row;
    outside = fn::matmul(beside(du, u) / row, c.out[2]);
  }
  if (dv.defined()) {
    const Tensor turning = fn::matmul(adjoint(v), dv);
    inner = inner + column * (factor * (turning - adjoint(turning)));
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
          return {x, {real_dtype(x.dtype), with_last(x.shape, 2, {n})}, {x.dtype, with_last(x.shape, 2, {n, n})}};
        })
        .saves({false}, {true, true, true})
        .vjp(gradient)
        .complex()
        .doc(R"(svd of matrices with no more columns than rows.
Shapes    x [..., m, n] -> [..., m, n], real [..., n], [..., n, n]
Dtypes    f32, f64, c64, c128
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
        .complex()
        .doc(R"(x = u diag(s) vh, s descending, the columns of u and the rows of vh orthonormal; the reduced form.
Shapes    x [..., m, n] -> [..., m, k], real [..., k], [..., k, n] with k = min(m, n)
Dtypes    f32, f64, c64, c128
Errors    less than two axes
Grad      x; infinite for the vectors of equal singular values
Numerics  of each pair, the largest component of the vector on the shorter side (the first of them) is real and
          positive, which the gradient respects; one-sided Jacobi in f64, rounded once; NaN where an element is not
          finite
Source    Hestenes 1958; Golub & Van Loan, ch. 8.6.3)",
             R"(>>> pt.linalg.svd(pt.tensor([[3.0, 0.0], [0.0, 5.0]]))[1].numpy().tolist()
[5.0, 3.0])");

const AutocastRule rule("svd", Precision::Full);

}  // namespace
}  // namespace pt
