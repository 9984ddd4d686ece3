#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    composed_unary(
        "tanhshrink", "input", [](const Tensor& x, const Attrs&) { return x - fn::call("tanh", {x}); },
        [](const Tensor& x, const Attrs&) { return fn::square(fn::call("tanh", {x})); })
        .doc(R"(input minus tanh(input).
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    PyTorch, nn.functional.tanhshrink)",
             R"(>>> round(pt.nn.functional.tanhshrink(1.0).item(), 4)
0.2384)");

}  // namespace
}  // namespace pt
