#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("gelu")
        .in("input", Takes::Number)
        .floats()
        .attr("approximate", "none", {"none", "tanh"})
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          return {fn::call(attrs.str("approximate") == "tanh" ? "gelu_tanh" : "gelu_erf", {in[0]})};
        })
        .doc(R"(input times the normal distribution at input; through erf, or with approximate="tanh" through tanh.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    approximate neither "none" nor "tanh"
Grad      input
Source    Hendrycks & Gimpel 2016)",
             R"(>>> pt.nn.functional.gelu(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
