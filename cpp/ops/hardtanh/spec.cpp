#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_unary(
        "hardtanh",
        [](const Tensor& x, const Attrs& attrs) {
          return fn::call("clip", {x, fn::number(attrs.number("low")), fn::number(attrs.number("high"))});
        },
        [](const Tensor& x, const Attrs& attrs) {
          const Tensor outside = fn::logical_or(fn::less_equal(x, fn::number(attrs.number("low"))),
                                                fn::greater_equal(x, fn::number(attrs.number("high"))));
          return fn::cast(fn::call("logical_not", {outside}), x.dtype());
        })
        .attr("low", -1.0)
        .attr("high", 1.0)
        .doc(R"(x, but low where it is below and high where it is above.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x; 0 on the bounds
Source    PyTorch, nn.functional.hardtanh)",
             R"(>>> pt.hardtanh(3.0).item()
1.0)");

}  // namespace
}  // namespace pt
