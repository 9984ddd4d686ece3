#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "atanh",
                           [](const Tensor& x, const Attrs&) {
                             const Tensor a = fn::abs(x);
                             return fn::copysign(0.5 * fn::log1p((2.0 * a) / (1.0 - a)), x);
                           },
                           [](const Tensor& x, const Attrs&) { return fn::number(1) / ((1.0 - x) * (x + 1.0)); })
                           .doc(R"(the inverse of tanh, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x
Numerics  infinite at -1 and 1, NaN beyond)",
                                R"(>>> round(pt.atanh(0.5).item(), 4)
0.5493)");

}  // namespace
}  // namespace pt
