#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("log1p")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] / (c.in[0] + 1.0)}; })
                           .doc(R"(log(1 + x), exact for small x too.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x
Numerics  -inf at -1, NaN below)",
                                R"(>>> pt.log1p(0.0).item()
0.0)");

const AutocastRule rule("log1p", Precision::Full);

}  // namespace
}  // namespace pt
