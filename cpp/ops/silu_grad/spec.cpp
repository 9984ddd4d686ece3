#include "ops/functional.h"

namespace pt {
namespace {

// Its own gradient comes from the definition.
const Op* registered = define("silu_grad")
                           .in("x", Takes::Float)
                           .in("g", Takes::Float)
                           .elementwise()
                           .cost(1)
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             const Tensor s = fn::call("sigmoid", {in[0]});
                             return {in[1] * (s * (in[0] * (1.0 - s) + 1.0))};
                           })
                           .doc(R"(the gradient g of silu(x) as one of x: g s (1 + x (1 - s)) with s = sigmoid(x).
Shapes    x [...], g [...] -> [...]
Dtypes    floats
Errors    integers, bool, complex numbers; shapes that do not broadcast
Grad      x, g
Source    that of silu)",
                                R"(>>> pt.ops.functional.OPERATORS["silu_grad"](0.0, 1.0).item()
0.5)");

}  // namespace
}  // namespace pt
