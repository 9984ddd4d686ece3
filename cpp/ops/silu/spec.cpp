#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("silu")
                           .in("input", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(0.8)
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {fn::call("silu_grad", {c.in[0], c.grad[0]})};
                           })
                           .doc(R"(input times sigmoid(input), element by element.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      input
Source    Elfwing, Uchibe & Doya 2018; Ramachandran, Zoph & Le 2017 (swish))",
                                R"(>>> pt.nn.functional.silu(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
