#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("cos")
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors { return {-(c.grad[0] * fn::call("sin", {c.in[0]}))}; })
        .doc(R"(the cosine of x, in radians.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x)",
             R"(>>> pt.cos(0.0).item()
1.0)");

}  // namespace
}  // namespace pt
