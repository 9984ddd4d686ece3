#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_unary(
        "softshrink", "input",
        [](const Tensor& x, const Attrs& attrs) {
          const double l = attrs.number("lambd");
          const Tensor near = fn::less_equal(fn::abs(x), fn::number(l));
          return fn::where(near, fn::number(0), fn::where(fn::greater(x, fn::number(0)), x - l, x + l));
        },
        [](const Tensor& x, const Attrs& attrs) {
          const Tensor limit = fn::number(attrs.number("lambd"));
          return fn::where(fn::less_equal(fn::abs(x), limit), fn::number(0), fn::number(1));
        })
        .attr("lambd", 0.5, non_negative)
        .doc(R"(input brought nearer to zero by lambd, and 0 where it is nearer than that.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    PyTorch, nn.functional.softshrink)",
             R"(>>> pt.nn.functional.softshrink(2.0).item()
1.5)");

}  // namespace
}  // namespace pt
