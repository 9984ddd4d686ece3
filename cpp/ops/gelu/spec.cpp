#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("gelu")
        .in("x", Takes::Number)
        .floats()
        .attr("approximate", "none", {"none", "tanh"})
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          return {fn::call(attrs.str("approximate") == "tanh" ? "gelu_tanh" : "gelu_erf", {in[0]})};
        })
        .doc(R"(x times the normal distribution at x; through erf, or with approximate="tanh" through tanh.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    approximate neither "none" nor "tanh"
Grad      x
Source    Hendrycks & Gimpel 2016)",
             R"(>>> pt.gelu(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
