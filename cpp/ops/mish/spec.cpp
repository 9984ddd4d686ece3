#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_unary(
        "mish", "input", [](const Tensor& x, const Attrs&) { return x * fn::call("tanh", {fn::softplus(x)}); },
        [](const Tensor& x, const Attrs&) {
          const Tensor t = fn::call("tanh", {fn::softplus(x)});
          return t + x * fn::sigmoid(x) * (1.0 - fn::square(t));
        })
        .doc(R"(input times tanh(softplus(input)).
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    Misra 2019)",
             R"(>>> round(pt.nn.functional.mish(1.0).item(), 4)
0.8651)");

}  // namespace
}  // namespace pt
