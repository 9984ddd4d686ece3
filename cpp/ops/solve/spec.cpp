#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

Tensors definition(const Tensors& in, const Attrs&) {
  const Tensor& b = in[1];
  const Tensors factors = apply(find_op("lu"), {in[0]});
  const Tensor order = fn::reshape(factors[1], with_last(factors[1].shape(), 0, {1}));
  const Tensor rows =
      fn::call("take_along_axis", {b, fn::broadcast_to(order, b.shape())}, {{"axis", int64_t{b.ndim() - 2}}});
  const Tensor below = fn::call("solve_triangular", {factors[0], rows}, {{"unitriangular", true}});
  return {fn::call("solve_triangular", {factors[0], below}, {{"upper", true}})};
}

const Op* registered =
    define("solve")
        .in("a", Takes::Float)
        .in("b", Takes::Float)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          const Shape &a = c.in[0].shape, &b = c.in[1].shape;
          c.expect(a.size() == b.size() && with_last(a, 1, {}) == with_last(b, 1, {}),
                   text("a is ", c.in[0], ", b is ", c.in[1],
                        "; expected [..., n, n] and [..., n, k] with the same leading axes; reshape or broadcast one"));
          return {c.in[1]};
        })
        .compose(definition)
        .saves({true, false}, {true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor db = fn::call("solve", {adjoint(c.in[0]), c.grad[0]});
          return {c.needs[0] ? -fn::matmul(db, adjoint(c.out[0])) : Tensor(), db};
        })
        .complex()
        .doc(R"(x with a x = b.
Shapes    a [..., n, n], b [..., n, k] -> [..., n, k]
Dtypes    f32, f64, c64, c128
Errors    matrices that are not square; leading axes that differ
Grad      a, b
Numerics  by lu and two triangular solves, each computed in f64; infinite or NaN where a is singular
Source    Golub & Van Loan, ch. 3.4)",
             R"(>>> pt.linalg.solve(pt.tensor([[0.0, 2.0], [4.0, 0.0]]), pt.tensor([[2.0], [8.0]])).numpy().tolist()
[[2.0], [1.0]])");

const AutocastRule rule("solve", Precision::Full);

}  // namespace
}  // namespace pt
