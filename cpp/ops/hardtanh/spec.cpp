#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_unary(
        "hardtanh", "input",
        [](const Tensor& x, const Attrs& attrs) {
          return fn::call("clip", {x, fn::number(attrs.number("min_val")), fn::number(attrs.number("max_val"))});
        },
        [](const Tensor& x, const Attrs& attrs) {
          return slope_between(x, attrs.number("min_val"), attrs.number("max_val"));
        })
        .attr("min_val", -1.0)
        .attr("max_val", 1.0)
        .doc(R"(input, but min_val where it is below and max_val where it is above.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input; 0 on the bounds
Source    PyTorch, nn.functional.hardtanh)",
             R"(>>> pt.nn.functional.hardtanh(3.0).item()
1.0)");

}  // namespace
}  // namespace pt
