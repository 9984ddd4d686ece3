#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

// P^T L^-H (tril(L^H dL, -1) + triu(dU U^H)) U^-H (de Hoog, Anderssen & Lukas 2011), dL and dU being the parts of one
// matrix, as L and U are.
Tensors gradient(const VjpContext& c) {
  if (!c.grad[0].defined()) return {fn::zeros(c.in_types[0])};
  const Tensor both = conjugate(c.out[0]), g = c.grad[0];
  const Tensor dl = below_diagonal(g);
  const Tensor left = below_diagonal(dl + fn::matmul(swap_last(below_diagonal(both)), dl));
  const Tensor right = fn::call("triu", {fn::matmul(fn::call("triu", {g}), swap_last(fn::call("triu", {both})))});
  const Tensor inner =
      fn::call("solve_triangular", {both, left + right}, {{"transposed", true}, {"unitriangular", true}});
  const Tensor rows = swap_last(fn::call("solve_triangular", {both, swap_last(inner)}, {{"upper", true}}));
  const int64_t n = rows.shape().back();
  const Tensor order = fn::broadcast_to(fn::reshape(c.out[1], with_last(c.out[1].shape(), 0, {1})), rows.shape());
  return {fn::call("put_along_axis", {order, rows}, {{"axis", int64_t{rows.ndim() - 2}}, {"size", n}})};
}

const Op* registered =
    define("lu")
        .in("x", Takes::Float)
        .outputs(3)
        .contiguous()
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          const TensorType& x = c.in[0];
          return {x, {DType::I64, with_last(x.shape, 1, {})}, {x.dtype, with_last(x.shape, 2, {})}};
        })
        .saves({false}, {true, true, false})
        .vjp(gradient)
        .complex()
        .doc(R"(x with its rows exchanged is L U: both in one matrix, the order of the rows, and its sign.
Shapes    x [..., n, n] -> [..., n, n], int64 [..., n], [...]; L lies below the diagonal and has ones on it
Dtypes    f32, f64, c64, c128
Errors    matrices that are not square
Grad      x, through L and U
Numerics  the pivot is the first of the largest elements of a column, of complex ones by |Re| + |Im|; computed in f64
          and rounded once
Source    Golub & Van Loan, algorithm 3.4.1)",
             R"(>>> pt.ops.functional.OPERATORS["lu"](pt.tensor([[0.0, 2.0], [4.0, 8.0]]))[1].numpy().tolist()
[1, 0])");

const AutocastRule rule("lu", Precision::Full);

}  // namespace
}  // namespace pt
