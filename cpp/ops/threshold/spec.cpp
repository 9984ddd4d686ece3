#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "threshold", "input",
                           [](const Tensor& x, const Attrs& attrs) {
                             const Tensor limit = fn::number(attrs.number("threshold")),
                                          value = fn::number(attrs.number("value"));
                             return fn::where(fn::less_equal(x, limit), value, x);
                           },
                           [](const Tensor& x, const Attrs& attrs) {
                             const Tensor limit = fn::number(attrs.number("threshold"));
                             return fn::where(fn::less_equal(x, limit), fn::number(0), fn::number(1));
                           })
                           .attr("threshold", 0.0)
                           .attr("value", 0.0)
                           .doc(R"(input where it is above the threshold, else the value.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    PyTorch, nn.functional.threshold)",
                                R"(>>> pt.nn.functional.threshold(0.5, threshold=1.0, value=9.0).item()
9.0)");

}  // namespace
}  // namespace pt
