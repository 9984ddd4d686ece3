#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

Tensor solved(const Tensor& a, const Tensor& b, bool transposed) {
  return fn::call("solve_triangular", {a, b}, {{"transposed", transposed}});
}

// L^-H phi(L^H g) L^-1 made Hermitian, phi keeping the lower triangle with half of the diagonal (Murray 2016, eq. 10).
Tensors gradient(const VjpContext& c) {
  const bool upper = c.attrs.flag("upper");
  const Tensor factor = upper ? adjoint(c.out[0]) : c.out[0], g = upper ? adjoint(c.grad[0]) : c.grad[0];
  const Tensor inner = fn::matmul(adjoint(factor), g);
  const Tensor phi = 0.5 * (fn::call("tril", {inner}) + below_diagonal(inner));
  const Tensor left = solved(conjugate(factor), phi, true);
  const Tensor both = swap_last(solved(factor, swap_last(left), true));
  return {0.5 * (both + adjoint(both))};
}

const Op* registered =
    define("cholesky")
        .in("x", Takes::Float)
        .attr("upper", false)
        .contiguous()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          return {c.in[0]};
        })
        .saves({false}, {true})
        .vjp(gradient)
        .complex()
        .doc(R"(the lower triangular L with x = L L^H, or U = L^H with `upper`, of a positive definite matrix.
Real matrices are symmetric, complex ones Hermitian: L^H is the conjugate transpose, of a real L the transpose.
Shapes    x [..., n, n] -> [..., n, n]
Dtypes    f32, f64, c64, c128
Errors    matrices that are not square
Grad      x
Numerics  x counts as (x + x^H) / 2; computed in f64 and rounded once; NaN where x is not positive definite
Source    Golub & Van Loan, algorithm 4.2.2)",
             R"(>>> pt.linalg.cholesky(pt.tensor([[4.0, 2.0], [2.0, 5.0]])).numpy().tolist()
[[2.0, 0.0], [1.0, 2.0]])");

const AutocastRule rule("cholesky", Precision::Full);

}  // namespace
}  // namespace pt
