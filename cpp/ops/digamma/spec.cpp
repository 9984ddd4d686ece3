#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("digamma")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {c.grad[0] * fn::call("polygamma", {c.in[0]}, {{"n", int64_t{1}}})};
                           })
                           .doc(R"(the derivative of lgamma, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Numerics  within 3 units in the last place above 0, beside 1.46 too, where it is 0; below 0 digits are lost beside the
          points where it is 0; infinite at 0, with the sign of -1 / x; NaN at -1, -2...
Source    Abramowitz & Stegun 1964, 6.3.18)",
                                R"(>>> round(pt.digamma(1.0).item(), 4)
-0.5772)");

}  // namespace
}  // namespace pt
