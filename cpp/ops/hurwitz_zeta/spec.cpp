#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("hurwitz_zeta")
                           .in("s", Takes::Number)
                           .in("q", Takes::Number)
                           .floats()
                           .elementwise()
                           .vjp([](const VjpContext& c) -> Tensors {
                             const Tensor slope = -c.in[0] * fn::call("hurwitz_zeta", {c.in[0] + 1.0, c.in[1]});
                             return {Tensor(), unbroadcast(c.grad[0] * slope, c.in_types[1].shape)};
                           })
                           .doc(R"(the sum of (q + k)^-s over k = 0, 1, 2..., element by element.
Shapes    s [...], q [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32
Errors    complex numbers; shapes that do not broadcast
Grad      q
Numerics  within 3 units in the last place for s = 2; infinite at q = 0; NaN for s <= 1 and q < 0
Source    Johansson 2015 (Euler-Maclaurin))",
                                R"(>>> round(pt.ops.functional.OPERATORS["hurwitz_zeta"](2.0, 1.0).item(), 4)
1.6449)");

}  // namespace
}  // namespace pt
