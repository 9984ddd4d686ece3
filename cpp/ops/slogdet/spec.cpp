#include "ops/autocast.h"
#include "ops/factor/plan.h"
#include "ops/functional.h"
#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("slogdet")
        .in("x", Takes::Float)
        .outputs(2)
        .shape([](const InferContext& c) -> Types {
          expect_matrix(c, 0, true);
          const TensorType type{c.in[0].dtype, with_last(c.in[0].shape, 2, {})};
          return {type, type};
        })
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensors factors = apply(find_op("lu"), in);
          const Tensor pivots = fn::call("diagonal", {factors[0]});
          const Tensor sign = factors[2] * fn::call("prod", {fn::call("sign", {pivots})}, {{"axis", Ints{-1}}});
          return {sign, fn::sum(fn::log(fn::call("abs", {pivots})), {-1}, false)};
        })
        .saves({true})
        .vjp([](const VjpContext& c) -> Tensors {
          if (!c.grad[1].defined()) return {fn::zeros(c.in_types[0])};
          const Tensor by = fn::reshape(c.grad[1], with_last(c.in_types[0].shape, 2, {1, 1}));
          return {by * swap_last(fn::call("inv", {c.in[0]}))};
        })
        .doc(R"(the sign of the determinant and the logarithm of its magnitude, which do not overflow.
Shapes    x [..., n, n] -> [...], [...]
Dtypes    f32, f64
Errors    matrices that are not square
Grad      x, through the logarithm
Numerics  by lu; 0 and -inf where x is singular
Source    the array API standard 2024.12 (linalg.slogdet))",
             R"(>>> [t.item() for t in pt.linalg.slogdet(pt.tensor([[0.0, 1.0], [1.0, 0.0]]))]
[-1.0, 0.0])");

const AutocastRule rule("slogdet", Precision::Full);

}  // namespace
}  // namespace pt
