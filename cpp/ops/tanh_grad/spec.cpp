#include "ops/functional.h"

namespace pt {
namespace {

// Its own gradient comes from the definition.
const Op* registered =
    define("tanh_grad")
        .in("y", Takes::Float)
        .in("g", Takes::Float)
        .elementwise()
        .compose([](const Tensors& in, const Attrs&) -> Tensors { return {in[1] * (1.0 - in[0] * in[0])}; })
        .doc(R"(the gradient g of y = tanh(x) as one of x: g (1 - y y).
Shapes    y [...], g [...] -> [...]
Dtypes    floats
Errors    integers, bool, complex numbers; shapes that do not broadcast
Grad      y, g
Source    that of tanh)",
             R"(>>> pt.ops.functional.OPERATORS["tanh_grad"](0.5, 1.0).item()
0.75)");

}  // namespace
}  // namespace pt
