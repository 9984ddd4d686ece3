#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("expm1")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .saves({true})
                           // Not the result + 1, which loses the digits of a small slope.
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * fn::exp(c.in[0])}; })
                           .doc(R"(exp(x) - 1, exact for small x too.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x)",
                                R"(>>> pt.expm1(0.0).item()
0.0)");

const AutocastRule rule("expm1", Precision::Full);

}  // namespace
}  // namespace pt
