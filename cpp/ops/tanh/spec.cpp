#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("tanh")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {fn::call("tanh_grad", {c.out[0], c.grad[0]})};
                           })
                           .doc(R"(the hyperbolic tangent of x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x)",
                                R"(>>> pt.tanh(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
