#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "leaky_relu", "input",
                           [](const Tensor& x, const Attrs& attrs) {
                             return fn::where(fn::greater(x, fn::number(0)), x, attrs.number("negative_slope") * x);
                           },
                           [](const Tensor& x, const Attrs& attrs) {
                             const Tensor below = Tensor::scalar(attrs.number("negative_slope"), x.dtype());
                             return fn::where(fn::greater(x, fn::number(0)), fn::number(1), below);
                           })
                           .attr("negative_slope", 0.01)
                           .doc(R"(input where it is above zero, else negative_slope times input.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input; negative_slope at 0
Source    Maas, Hannun & Ng 2013)",
                                R"(>>> pt.nn.functional.leaky_relu(-2.0, negative_slope=0.5).item()
-1.0)");

}  // namespace
}  // namespace pt
