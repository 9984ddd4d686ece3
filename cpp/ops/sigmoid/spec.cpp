#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("sigmoid")
                           .in("input", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(0.8)
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {fn::call("sigmoid_grad", {c.out[0], c.grad[0]})};
                           })
                           .doc(R"(the logistic function 1 / (1 + exp(-input)), element by element.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Numerics  through exp(-|input|), which cannot overflow
Source    Verhulst 1845)",
                                R"(>>> pt.sigmoid(0.0).item()
0.5)");

}  // namespace
}  // namespace pt
