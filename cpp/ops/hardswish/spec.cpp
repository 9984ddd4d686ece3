#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered = composed_unary(
                           "hardswish", [](const Tensor& x, const Attrs&) { return x * fn::call("hardsigmoid", {x}); },
                           [](const Tensor& x, const Attrs&) {
                             const Tensor above =
                                 fn::where(fn::greater_equal(x, fn::number(3)), fn::number(1), x / fn::number(3) + 0.5);
                             return fn::where(fn::less_equal(x, fn::number(-3)), fn::number(0), above);
                           })
                           .doc(R"(x times hardsigmoid(x).
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Source    Howard et al. 2019)",
                                R"(>>> pt.hardswish(3.0).item()
3.0)");

}  // namespace
}  // namespace pt
