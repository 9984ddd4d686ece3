#include "ops/composed.h"

namespace pt {
namespace {

// Its own gradient comes from the definition.
const Op* registered =
    define("hardswish_grad")
        .in("x", Takes::Float)
        .in("g", Takes::Float)
        .elementwise()
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensor& x = in[0];
          const Tensor slope = fn::where(fn::greater_equal(x, fn::number(3)), fn::number(1), x * (1.0 / 3) + 0.5);
          return {in[1] * fn::where(fn::less_equal(x, fn::number(-3)), fn::number(0), slope)};
        })
        .doc(R"(the gradient g of hardswish(x) as one of x: 0 up to -3, g from 3 on, and g (x / 3 + 1 / 2) between them.
Shapes    x [...], g [...] -> [...]
Dtypes    floats
Errors    integers, bool, complex numbers; shapes that do not broadcast
Grad      x, g
Source    that of hardswish)",
             R"(>>> pt.ops.functional.OPERATORS["hardswish_grad"](0.0, 1.0).item()
0.5)");

}  // namespace
}  // namespace pt
