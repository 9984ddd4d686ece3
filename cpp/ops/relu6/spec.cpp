#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "relu6", "input",
                           [](const Tensor& x, const Attrs&) {
                             return fn::call("clip", {x, fn::number(0), fn::number(6)});
                           },
                           [](const Tensor& x, const Attrs&) { return slope_between(x, 0, 6); })
                           .doc(R"(input between 0 and 6: 0 where it is below, 6 where it is above.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input; 0 on the bounds
Source    Krizhevsky 2010)",
                                R"(>>> pt.nn.functional.relu6(9.0).item()
6.0)");

}  // namespace
}  // namespace pt
