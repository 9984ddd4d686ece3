#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_unary(
        "celu", "input",
        [](const Tensor& x, const Attrs& attrs) {
          const double alpha = attrs.number("alpha");
          const Tensor zero = fn::number(0), below = alpha * fn::expm1(fn::minimum(x, zero) / fn::number(alpha));
          return fn::where(fn::greater(x, zero), x, below);
        },
        [](const Tensor& x, const Attrs& attrs) {
          const Tensor zero = fn::number(0), below = fn::exp(fn::minimum(x, zero) / fn::number(attrs.number("alpha")));
          return fn::where(fn::greater(x, zero), fn::number(1), below);
        })
        .attr("alpha", 1.0, positive)
        .doc(R"(input where it is above zero, else alpha times (exp(input / alpha) - 1).
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    Barron 2017)",
             R"(>>> pt.nn.functional.celu(2.0).item()
2.0)");

}  // namespace
}  // namespace pt
