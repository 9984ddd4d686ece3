#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "softsign", "input", [](const Tensor& x, const Attrs&) { return x / (fn::abs(x) + 1.0); },
                           [](const Tensor& x, const Attrs&) { return fn::number(1) / fn::square(fn::abs(x) + 1.0); })
                           .doc(R"(input over 1 + |input|.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    Glorot & Bengio 2010)",
                                R"(>>> pt.nn.functional.softsign(1.0).item()
0.5)");

}  // namespace
}  // namespace pt
