#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("lgamma")
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * fn::call("digamma", {c.in[0]})}; })
        .doc(R"(the logarithm of |gamma(x)|, element by element: of (n - 1)! for a whole number n.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Numerics  within 3 units in the last place above 0, beside 1 and 2 too, where it is 0; below 0 digits are lost beside
          the points where it is 0; infinite at 0, -1, -2...
Source    Abramowitz & Stegun 1964, 6.1.41)",
             R"(>>> round(pt.lgamma(5.0).item(), 4)
3.1781)");

}  // namespace
}  // namespace pt
