#include "ops/autocast.h"
#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "asin",
                           [](const Tensor& x, const Attrs&) {
                             return fn::call("atan2", {x, fn::sqrt((1.0 - x) * (x + 1.0))});
                           },
                           [](const Tensor& x, const Attrs&) { return fn::rsqrt((1.0 - x) * (x + 1.0)); })
                           .doc(R"(the angle in radians whose sine is x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x
Numerics  NaN outside -1 to 1)",
                                R"(>>> round(pt.asin(1.0).item(), 4)
1.5708)");

const AutocastRule rule("asin", Precision::Full);

}  // namespace
}  // namespace pt
