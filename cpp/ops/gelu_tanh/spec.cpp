#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("gelu_tanh")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(1.2)
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {fn::call("gelu_tanh_grad", {c.in[0], c.grad[0]})};
                           })
                           .doc(R"(x times the normal distribution at x, approximated through tanh.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Source    Hendrycks & Gimpel 2016)",
                                R"(>>> pt.nn.functional.gelu(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
