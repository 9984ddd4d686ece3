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
Grad      y, g)");

}  // namespace
}  // namespace pt
