#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "tanhshrink", [](const Tensor& x, const Attrs&) { return x - fn::call("tanh", {x}); },
                           [](const Tensor& x, const Attrs&) { return fn::square(fn::call("tanh", {x})); })
                           .doc(R"(x minus tanh(x).
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Source    PyTorch, nn.functional.tanhshrink)",
                                R"(>>> round(pt.tanhshrink(1.0).item(), 4)
0.2384)");

}  // namespace
}  // namespace pt
