#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "elu", "input",
                           [](const Tensor& x, const Attrs& attrs) {
                             const Tensor zero = fn::number(0);
                             const Tensor below = attrs.number("alpha") * fn::expm1(fn::minimum(x, zero));
                             return fn::where(fn::greater(x, zero), x, below);
                           },
                           [](const Tensor& x, const Attrs& attrs) {
                             const Tensor zero = fn::number(0);
                             const Tensor below = attrs.number("alpha") * fn::exp(fn::minimum(x, zero));
                             return fn::where(fn::greater(x, zero), fn::number(1), below);
                           })
                           .attr("alpha", 1.0)
                           .doc(R"(input where it is above zero, else alpha times (exp(input) - 1).
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input; alpha at 0
Source    Clevert, Unterthiner & Hochreiter 2015)",
                                R"(>>> pt.nn.functional.elu(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
