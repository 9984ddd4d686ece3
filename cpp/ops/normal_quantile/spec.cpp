#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kRootTwoPi = 2.5066282746310002;  // sqrt(2 pi)

const Op* registered =
    define("normal_quantile")
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .cost(2)
        .saves({false}, {true})
        .vjp([](const VjpContext& c) -> Tensors {
          // One over the density at the result.
          return {c.grad[0] * (kRootTwoPi * fn::exp(0.5 * fn::square(c.out[0])))};
        })
        .doc(R"(the inverse of the normal distribution function: below which value a share x of it lies.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Numerics  -inf at 0, inf at 1, NaN outside
Source    Wichura 1988 (algorithm AS 241))",
             R"(>>> pt.ops.functional.OPERATORS["normal_quantile"](0.5).item()
0.0)");

const AutocastRule rule("normal_quantile", Precision::Full);

}  // namespace
}  // namespace pt
