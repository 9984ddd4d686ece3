#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kHalfRootPi = 0.88622692545275801365;

const Op* registered =
    define("erfinv")
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .saves({false}, {true})
        .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * (kHalfRootPi * fn::exp(fn::square(c.out[0])))}; })
        .doc(R"(the inverse of the error function: the y with erf(y) = x.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Numerics  within 5 units in the last place; infinite at -1 and 1, NaN outside
Source    Wichura 1988 (algorithm AS 241))",
             R"(>>> pt.erfinv(0.0).item()
0.0)");

const AutocastRule rule("erfinv", Precision::Full);

}  // namespace
}  // namespace pt
