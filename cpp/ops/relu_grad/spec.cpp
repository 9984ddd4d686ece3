#include "ops/functional.h"

namespace pt {
namespace {

// Its own gradient comes from the definition.
const Op* registered =
    define("relu_grad")
        .in("x", Takes::Number)
        .in("g", Takes::Number)
        .elementwise()
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          return {fn::where(fn::call("less_equal", {in[0], fn::number(0)}), fn::number(0), in[1])};
        })
        .doc(
            R"(the gradient g of relu's result as one of x: 0 where x is zero or below, else g.
Shapes    x [...], g [...] -> [...]
Dtypes    all numbers
Errors    bool, complex numbers; shapes that do not broadcast
Grad      g
Source    that of relu)",
            R"(>>> pt.ops.functional.OPERATORS["relu_grad"](pt.tensor([-1.0, 2.0]), pt.tensor([5.0, 5.0])).numpy().tolist()
[0.0, 5.0])");

}  // namespace
}  // namespace pt
