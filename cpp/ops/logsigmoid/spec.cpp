#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "logsigmoid", "input", [](const Tensor& x, const Attrs&) { return -fn::softplus(-x); },
                           [](const Tensor& x, const Attrs&) { return fn::sigmoid(-x); })
                           .doc(R"(the logarithm of sigmoid(input).
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Numerics  through softplus, which cannot overflow
Source    PyTorch, nn.functional.logsigmoid)",
                                R"(>>> round(pt.nn.functional.logsigmoid(0.0).item(), 4)
-0.6931)");

}  // namespace
}  // namespace pt
