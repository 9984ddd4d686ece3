#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/factor/gradients.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  expect_matrix(c, 0, true);
  const Shape &a = c.in[0].shape, &b = c.in[1].shape;
  const bool fits = a.size() == b.size() && with_last(a, 1, {}) == with_last(b, 1, {});
  c.expect(fits, text("a is ", c.in[0], ", b is ", c.in[1],
                      "; expected [..., n, n] and [..., n, k] with the same leading axes; reshape or broadcast one"));
  return {c.in[1]};
}

Tensors gradient(const VjpContext& c) {
  const bool upper = c.attrs.flag("upper"), transposed = c.attrs.flag("transposed"),
             unit = c.attrs.flag("unitriangular");
  Attrs back = c.attrs;
  back.set("transposed", !transposed);
  const Tensor db = fn::call("solve_triangular", {conjugate(c.in[0]), c.grad[0]}, back);
  Tensor da;
  if (c.needs[0]) {
    // That of a^T is -db x^H, and its transpose that of a.
    const Tensor product =
        transposed ? fn::matmul(conjugate(c.out[0]), swap_last(db)) : fn::matmul(db, adjoint(c.out[0]));
    da = fn::call(upper ? "triu" : "tril", {-product}, {{"k", int64_t{!unit ? 0 : upper ? 1 : -1}}});
  }
  return {da, db};
}

const Op* registered =
    define("solve_triangular")
        .in("a", Takes::Float)
        .in("b", Takes::Float)
        .attr("upper", false)
        .attr("transposed", false)
        .attr("unitriangular", false)
        .contiguous()
        .batch([](const BatchContext& c) -> Tensors {
          return apply(c.op, {with_rows(c.in[0], c.batched[0], c.rows), with_rows(c.in[1], c.batched[1], c.rows)},
                       c.attrs);
        })
        .shape(infer)
        .saves({true, false}, {true})
        .vjp(gradient)
        .complex()
        .doc(
            R"(x with a x = b, or a^T x = b with `transposed`, of a triangular matrix a.
Shapes    a [..., n, n], b [..., n, k] -> [..., n, k]
Dtypes    f32, f64, c64, c128
Errors    matrices that are not square; leading axes that differ
Grad      a, b
Numerics  only one triangle of a is read, the lower one or with `upper` the upper one, with ones on the diagonal if
          `unit`; computed in f64 and rounded once; infinite or NaN where a has a zero on the diagonal
Source    Golub & Van Loan, ch. 3.1)",
            R"(>>> pt.linalg.solve_triangular(pt.tensor([[2.0, 0.0], [1.0, 4.0]]), pt.tensor([[2.0], [9.0]])).numpy().tolist()
[[1.0], [2.0]])");

const AutocastRule rule("solve_triangular", Precision::Full);

}  // namespace
}  // namespace pt
