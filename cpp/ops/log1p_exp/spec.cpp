#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("log1p_exp")
        .in("x", Takes::Number)
        .floats()
        .elementwise()
        .cost(1.5)
        .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * fn::call("sigmoid", {c.in[0]})}; })
        .doc(R"(log(1 + exp(x)): softplus without its settings.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Numerics  as max(x, 0) + log1p(exp(-|x|)), which cannot overflow
Source    that of softplus)",
             R"(>>> round(pt.ops.functional.OPERATORS["log1p_exp"](0.0).item(), 4)
0.6931)");

const AutocastRule rule("log1p_exp", Precision::Full);

}  // namespace
}  // namespace pt
