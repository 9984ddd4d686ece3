#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("exp")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * c.out[0]}; })
                           .doc(R"(e to the power of x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x
Numerics  overflows to infinity above 88.7 in float32)",
                                R"(>>> pt.exp(0.0).item()
1.0)");

const AutocastRule rule("exp", Precision::Full);

}  // namespace
}  // namespace pt
