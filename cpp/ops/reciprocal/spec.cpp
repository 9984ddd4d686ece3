#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("reciprocal")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(0.25)
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors { return {-(c.grad[0] * (c.out[0] * c.out[0]))}; })
                           .complex([](const Tensors& in, const Attrs&) -> Tensors {
                             return {complex_quotient(fn::number(1) + fn::zeros({in[0].dtype(), {}}), in[0])};
                           })
                           .doc(R"(one over x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  infinite at 0
Source    the array API standard 2024.12)",
                                R"(>>> pt.reciprocal(4.0).item()
0.25)");

const AutocastRule rule("reciprocal", Precision::Full);

}  // namespace
}  // namespace pt
