#include "ops/autocast.h"
#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_unary(
        "tan", [](const Tensor& x, const Attrs&) { return fn::call("sin", {x}) / fn::call("cos", {x}); },
        [](const Tensor& x, const Attrs&) { return fn::square(fn::call("tan", {x})) + 1.0; })
        .doc(R"(the tangent of an angle in radians, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x)",
             R"(>>> round(pt.tan(1.0).item(), 4)
1.5574)");

const AutocastRule rule("tan", Precision::Full);

}  // namespace
}  // namespace pt
