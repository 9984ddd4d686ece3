#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("sqrt")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] / (2.0 * c.out[0])}; })
                           .doc(R"(the square root of x, correctly rounded.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x; infinite at 0
Numerics  NaN below 0)",
                                R"(>>> pt.sqrt(4.0).item()
2.0)");

}  // namespace
}  // namespace pt
