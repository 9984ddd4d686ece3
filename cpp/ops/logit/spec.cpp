#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "logit", "x", [](const Tensor& x, const Attrs&) { return fn::log(x / (1.0 - x)); },
                           [](const Tensor& x, const Attrs&) { return fn::number(1) / (x * (1.0 - x)); })
                           .doc(R"(the inverse of sigmoid: log(x / (1 - x)).
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Numerics  infinite at 0 and 1, NaN outside
Source    PyTorch, special.logit)",
                                R"(>>> pt.logit(0.5).item()
0.0)");

}  // namespace
}  // namespace pt
