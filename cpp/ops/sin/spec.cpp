#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("sin")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * fn::call("cos", {c.in[0]})}; })
                           .doc(R"(the sine of x, in radians.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x)",
                                R"(>>> pt.sin(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
