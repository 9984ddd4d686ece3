#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("abs")
        .in("x", Takes::Number)
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * fn::call("sign", {c.in[0]})}; })
        .doc(R"(the absolute value of x, element by element.
Shapes    x [...] -> [...]
Dtypes    all numbers; the least integer wraps to itself
Grad      x; 0 at 0)",
             R"(>>> pt.abs(-2.0).item()
2.0)");

}  // namespace
}  // namespace pt
