#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_unary(
        "hardswish", "input", [](const Tensor& x, const Attrs&) { return x * fn::call("hardsigmoid", {x}); },
        [](const Tensor& x, const Attrs&) {
          const Tensor above = fn::where(fn::greater_equal(x, fn::number(3)), fn::number(1), x * (1.0 / 3) + 0.5);
          return fn::where(fn::less_equal(x, fn::number(-3)), fn::number(0), above);
        })
        .doc(R"(input times hardsigmoid(input).
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    Howard et al. 2019)",
             R"(>>> pt.nn.functional.hardswish(3.0).item()
3.0)");

}  // namespace
}  // namespace pt
