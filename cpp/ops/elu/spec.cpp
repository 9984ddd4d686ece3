#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("elu")
                           .in("input", Takes::Number)
                           .floats()
                           .attr("alpha", 1.0)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const Tensor zero = fn::number(0), above = fn::greater(in[0], zero);
                             // expm1 sees 0 in place of what is above zero, where it could overflow and make the unused
                             // gradient NaN.
                             const Tensor below =
                                 attrs.number("alpha") * fn::call("expm1", {fn::where(above, zero, in[0])});
                             return {fn::where(above, in[0], below)};
                           })
                           .doc(R"(input where it is above zero, else alpha times (exp(input) - 1).
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input; alpha at 0
Source    Clevert, Unterthiner & Hochreiter 2015)",
                                R"(>>> pt.nn.functional.elu(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
