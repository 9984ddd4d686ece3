#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("rsqrt")
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .cost(0.5)
        .saves({false}, {true})
        .vjp([](const VjpContext& c) -> Tensors { return {-0.5 * c.grad[0] * (c.out[0] * c.out[0] * c.out[0])}; })
        .doc(R"(one over the square root of x: two correctly rounded operations, never an approximation.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Numerics  infinite at 0, NaN below
Source    PyTorch, rsqrt)",
             R"(>>> pt.rsqrt(4.0).item()
0.5)");

const AutocastRule rule("rsqrt", Precision::Full);

}  // namespace
}  // namespace pt
