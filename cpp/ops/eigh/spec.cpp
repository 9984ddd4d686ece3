#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

// v (diag(dw) + F o (v^H dv)) v^H made Hermitian, F_ij = 1 / (w_j - w_i) off the diagonal (Giles 2008, ch. 3.1).
Tensors gradient(const VjpContext& c) {
  const Tensor &w = c.out[0], &v = c.out[1];
  Tensor inner, dv = c.grad[1];
  if (c.grad[0].defined()) inner = fn::where(on_diagonal(w.shape().back()), as_row(c.grad[0]), fn::number(0));
  if (dv.defined()) {
    if (is_complex(v.dtype())) dv = with_followed_phase(v, dv, by_phase(v, dv));
    const Tensor turning = inverse_gaps(w) * fn::matmul(adjoint(v), dv);
    inner = inner.defined() ? inner + turning : turning;
  }
  const Tensor found = fn::matmul(fn::matmul(v, inner), adjoint(v));
  return {0.5 * (found + adjoint(found))};
}

const Op* registered =
    define("eigh")
        .in("x", Takes::Float)
        .outputs(2)
        .contiguous()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          return {{real_dtype(c.in[0].dtype), with_last(c.in[0].shape, 1, {})}, c.in[0]};
        })
        .saves({false}, {true, true})
        .vjp(gradient)
        .complex()
        .doc(R"(the eigenvalues of a symmetric or Hermitian matrix in ascending order, and its eigenvectors as columns.
Shapes    x [..., n, n] -> real [..., n], [..., n, n]
Dtypes    f32, f64, c64, c128
Errors    matrices that are not square
Grad      x; infinite for the vectors of equal eigenvalues
Numerics  x counts as (x + x^H) / 2; the largest component of a vector (the first of them) is real and positive, which
          the gradient respects; cyclic Jacobi in f64, rounded once; NaN where an element is not finite
Source    Golub & Van Loan, algorithm 8.4.3)",
             R"(>>> pt.linalg.eigh(pt.tensor([[2.0, 1.0], [1.0, 2.0]]))[0].numpy().tolist()
[1.0, 3.0])");

const AutocastRule rule("eigh", Precision::Full);

}  // namespace
}  // namespace pt
