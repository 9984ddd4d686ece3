#include "ops/functional.h"

namespace pt {
namespace {

// Its own gradient comes from the definition.
const Op* registered =
    define("sigmoid_grad")
        .in("y", Takes::Float)
        .in("g", Takes::Float)
        .elementwise()
        .compose([](const Tensors& in, const Attrs&) -> Tensors { return {in[1] * (in[0] * (1.0 - in[0]))}; })
        .doc(R"(the gradient g of y = sigmoid(x) as one of x: g y (1 - y).
Shapes    y [...], g [...] -> [...]
Dtypes    floats
Errors    integers, bool, complex numbers; shapes that do not broadcast
Grad      y, g
Source    that of sigmoid)",
             R"(>>> pt.ops.functional.OPERATORS["sigmoid_grad"](0.5, 1.0).item()
0.25)");

}  // namespace
}  // namespace pt
