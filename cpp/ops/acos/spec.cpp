#include "ops/autocast.h"
#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "acos",
                           [](const Tensor& x, const Attrs&) {
                             return fn::call("atan2", {fn::sqrt((1.0 - x) * (x + 1.0)), x});
                           },
                           [](const Tensor& x, const Attrs&) { return -fn::rsqrt((1.0 - x) * (x + 1.0)); })
                           .doc(R"(the angle in radians whose cosine is x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x
Numerics  NaN outside -1 to 1)",
                                R"(>>> pt.acos(1.0).item()
0.0)");

const AutocastRule rule("acos", Precision::Full);

}  // namespace
}  // namespace pt
