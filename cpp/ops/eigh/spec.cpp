#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/factor/plan.h"
#include "ops/functional.h"
#include "ops/pieces.h"

namespace pt {
namespace {

// v (diag(dw) + F o (v^T dv)) v^T made symmetric, F_ij = 1 / (w_j - w_i) off the diagonal (Giles 2008, ch. 3.1).
Tensors gradient(const VjpContext& c) {
  const Tensor &w = c.out[0], &v = c.out[1];
  const int64_t n = w.shape().back();
  const Tensor same = fn::equal(fn::reshape(counting(n, DType::I64), {n, 1}), counting(n, DType::I64));
  const auto as_row = [&](const Tensor& x) { return fn::reshape(x, with_last(x.shape(), 1, {1, n})); };
  Tensor inner;
  if (c.grad[0].defined()) inner = fn::where(same, as_row(c.grad[0]), fn::number(0));
  if (c.grad[1].defined()) {
    const Tensor apart = as_row(w) - fn::reshape(w, with_last(w.shape(), 0, {1}));
    const Tensor factor =
        fn::where(same, fn::number(0), fn::divide(fn::number(1), fn::where(same, fn::number(1), apart)));
    const Tensor turning = factor * fn::matmul(swap_last(v), c.grad[1]);
    inner = inner.defined() ? inner + turning : turning;
  }
  const Tensor found = fn::matmul(fn::matmul(v, inner), swap_last(v));
  return {0.5 * (found + swap_last(found))};
}

const Op* registered =
    define("eigh")
        .in("x", Takes::Float)
        .outputs(2)
        .contiguous()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          return {{c.in[0].dtype, with_last(c.in[0].shape, 1, {})}, c.in[0]};
        })
        .saves({false}, {true, true})
        .vjp(gradient)
        .doc(R"(the eigenvalues of a symmetric matrix in ascending order, and its eigenvectors as columns.
Shapes    x [..., n, n] -> [..., n], [..., n, n]
Dtypes    f32, f64
Errors    matrices that are not square
Grad      x; infinite for the vectors of equal eigenvalues
Numerics  x counts as (x + x^T) / 2; the largest component of a vector (the first of them) is positive; cyclic
          Jacobi in f64, rounded once; NaN where an element is not finite
Source    Golub & Van Loan, algorithm 8.4.3)",
             R"(>>> pt.linalg.eigh(pt.tensor([[2.0, 1.0], [1.0, 2.0]]))[0].numpy().tolist()
[1.0, 3.0])");

const AutocastRule rule("eigh", Precision::Full);

}  // namespace
}  // namespace pt
