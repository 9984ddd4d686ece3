#include "ops/autocast.h"
#include "ops/factor/plan.h"
#include "ops/functional.h"
#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("det")
        .in("x", Takes::Float)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          return {{c.in[0].dtype, with_last(c.in[0].shape, 2, {})}};
        })
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensors factors = apply(find_op("lu"), in);
          return {factors[2] * fn::call("prod", {fn::call("diagonal", {factors[0]})}, {{"axis", Ints{-1}}})};
        })
        .saves({true}, {true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor by = fn::reshape(c.grad[0] * c.out[0], with_last(c.in_types[0].shape, 2, {1, 1}));
          return {by * swap_last(fn::call("inv", {c.in[0]}))};
        })
        .doc(R"(the determinant of a matrix.
Shapes    x [..., n, n] -> [...]
Dtypes    f32, f64
Errors    matrices that are not square
Grad      x; NaN where x is singular
Numerics  the product of the pivots of lu, which overflows early: see slogdet
Source    the array API standard 2024.12 (linalg.det))",
             R"(>>> pt.linalg.det(pt.tensor([[1.0, 2.0], [3.0, 4.0]])).item()
-2.0)");

const AutocastRule rule("det", Precision::Full);

}  // namespace
}  // namespace pt
