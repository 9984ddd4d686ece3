#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kTwoOverRootPi = 1.1283791670955126;  // the derivative of erf at 0

const Op* registered = define("erf")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(1)
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {c.grad[0] * (kTwoOverRootPi * fn::exp(-fn::square(c.in[0])))};
                           })
                           .doc(R"(the error function of x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Source    Abramowitz & Stegun 1964, 7.1.1)",
                                R"(>>> pt.erf(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
