#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("silu")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .vjp([](const VjpContext& c) -> Tensors {
                             return {fn::call("silu_grad", {c.in[0], c.grad[0]})};
                           })
                           .doc(R"(x times sigmoid(x), element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Source    Elfwing, Uchibe & Doya 2018; Ramachandran, Zoph & Le 2017 (swish))",
                                R"(>>> pt.silu(0.0).item()
0.0)");

}  // namespace
}  // namespace pt
