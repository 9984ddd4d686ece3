#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/factor/plan.h"
#include "ops/functional.h"
#include "ops/pieces.h"

namespace pt {
namespace {

Tensor solved(const Tensor& a, const Tensor& b, bool transposed) {
  return fn::call("solve_triangular", {a, b}, {{"transposed", transposed}});
}

// L^-T phi(L^T g) L^-1 made symmetric, phi keeping the lower triangle with half of the diagonal (Murray 2016, eq. 10).
Tensors gradient(const VjpContext& c) {
  const bool upper = c.attrs.flag("upper");
  const Tensor factor = upper ? swap_last(c.out[0]) : c.out[0], g = upper ? swap_last(c.grad[0]) : c.grad[0];
  const Tensor inner = fn::matmul(swap_last(factor), g);
  const Tensor phi = 0.5 * (fn::call("tril", {inner}) + fn::call("tril", {inner}, {{"k", int64_t{-1}}}));
  const Tensor left = solved(factor, phi, true);
  const Tensor both = swap_last(solved(factor, swap_last(left), true));
  return {0.5 * (both + swap_last(both))};
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
        .doc(R"(the lower triangular L with x = L L^T, or U = L^T with `upper`, of a symmetric positive definite matrix.
Shapes    x [..., n, n] -> [..., n, n]
Dtypes    f32, f64
Errors    matrices that are not square
Grad      x
Numerics  x counts as (x + x^T) / 2; computed in f64 and rounded once; NaN where x is not positive definite
Source    Golub & Van Loan, algorithm 4.2.2)",
             R"(>>> pt.linalg.cholesky(pt.tensor([[4.0, 2.0], [2.0, 5.0]])).numpy().tolist()
[[2.0, 0.0], [1.0, 2.0]])");

const AutocastRule rule("cholesky", Precision::Full);

}  // namespace
}  // namespace pt
