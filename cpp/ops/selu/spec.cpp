#include "ops/composed.h"

namespace pt {
namespace {

constexpr double kAlpha = 1.6732632423543772848170429916717, kScale = 1.0507009873554804934193349852946;

const Op* registered = composed_unary(
                           "selu", "input",
                           [](const Tensor& x, const Attrs&) {
                             const Tensor zero = fn::number(0), above = fn::greater(x, zero);
                             return kScale * fn::where(above, x, kAlpha * fn::expm1(fn::minimum(x, zero)));
                           },
                           [](const Tensor& x, const Attrs&) {
                             const Tensor zero = fn::number(0), below = kAlpha * fn::exp(fn::minimum(x, zero));
                             return kScale * fn::where(fn::greater(x, zero), fn::number(1), below);
                           })
                           .doc(R"(elu with the alpha and the scale that keep activations at mean 0 and variance 1.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    Klambauer et al. 2017)",
                                R"(>>> round(pt.nn.functional.selu(1.0).item(), 4)
1.0507)");

}  // namespace
}  // namespace pt
