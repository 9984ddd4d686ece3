#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kTwoOverRootPi = 1.1283791670955126;

const Op* registered =
    define("erfc")
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors {
          return {c.grad[0] * (-kTwoOverRootPi * fn::exp(-fn::square(c.in[0])))};
        })
        .doc(R"(one less the error function of x, element by element: the share of a normal distribution in its tails.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Numerics  within 4 units in the last place, in the far tail too, where 1 - erf(x) is 0
Source    Abramowitz & Stegun 1964, 7.1.2)",
             R"(>>> pt.erfc(0.0).item()
1.0)");

}  // namespace
}  // namespace pt
