#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "hardshrink", "input",
                           [](const Tensor& x, const Attrs& attrs) {
                             const Tensor limit = fn::number(attrs.number("lambd"));
                             return fn::where(fn::less_equal(fn::abs(x), limit), fn::number(0), x);
                           },
                           [](const Tensor& x, const Attrs& attrs) {
                             const Tensor limit = fn::number(attrs.number("lambd"));
                             return fn::where(fn::less_equal(fn::abs(x), limit), fn::number(0), fn::number(1));
                           })
                           .attr("lambd", 0.5, non_negative)
                           .doc(R"(input where it is further than lambd from zero, else 0.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    PyTorch, nn.functional.hardshrink)",
                                R"(>>> pt.nn.functional.hardshrink(0.25).item()
0.0)");

}  // namespace
}  // namespace pt
