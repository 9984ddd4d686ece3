#include <algorithm>

#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

// The lower triangle with the real diagonal that r has, and mirrored above it.
Tensor mirrored(const Tensor& x) { return fn::call("tril", {with_real_diagonal(x)}) + adjoint(below_diagonal(x)); }

// (dq + q mirrored(r dr^H - dq^H q)) r^-H (Walter & Lehmann 2013), of matrices with no more columns than rows.
Tensors gradient(const VjpContext& c) {
  const Shape& shape = c.in_types[0].shape;
  if (shape[shape.size() - 2] < shape.back()) {
    throw ShapeError(
        text("[qr] a gradient of x ", c.in_types[0], "; expected no more columns than rows; factor the first columns"));
  }
  const Tensor &q = c.out[0], &r = c.out[1];
  const auto or_zeros = [&](int i) { return c.grad[i].defined() ? c.grad[i] : fn::zeros(c.out_types[i]); };
  const Tensor dq = or_zeros(0), dr = or_zeros(1);
  const Tensor inner = fn::matmul(r, adjoint(dr)) - fn::matmul(adjoint(dq), q);
  const Tensor sum = dq + fn::matmul(q, mirrored(inner));
  return {swap_last(fn::call("solve_triangular", {conjugate(r), swap_last(sum)}, {{"upper", true}}))};
}

const Op* registered =
    define("qr")
        .in("x", Takes::Float)
        .outputs(2)
        .contiguous()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, false);
          const Shape& x = c.in[0].shape;
          const int64_t m = x[x.size() - 2], n = x.back(), least = std::min(m, n);
          return {{c.in[0].dtype, with_last(x, 2, {m, least})}, {c.in[0].dtype, with_last(x, 2, {least, n})}};
        })
        .saves({false}, {true, true})
        .vjp(gradient)
        .complex()
        .doc(R"(x = q r, the columns of q orthonormal and r upper triangular; the reduced form.
Shapes    x [..., m, n] -> [..., m, min(m, n)], [..., min(m, n), n]
Dtypes    f32, f64, c64, c128
Errors    less than two axes; a gradient where there are more columns than rows
Grad      x
Numerics  Householder's reflections with the signs of LAPACK, so that r has a real diagonal; computed in f64 and
          rounded once; NaN where an element is not finite
Source    Golub & Van Loan, algorithm 5.2.1)",
             R"(>>> q, r = pt.linalg.qr(pt.tensor([[3.0, 1.0], [4.0, 2.0]]))
>>> round(r.numpy()[0, 0].item(), 3)
-5.0)");

const AutocastRule rule("qr", Precision::Full);

}  // namespace
}  // namespace pt
