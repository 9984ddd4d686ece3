#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("log")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(0.8)
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] / c.in[0]}; })
                           .complex([](const Tensors& in, const Attrs&) -> Tensors {
                             return {make_complex(fn::log(fn::call("abs", {in[0]})), fn::call("angle", {in[0]}))};
                           })
                           .doc(R"(the natural logarithm of x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  -inf at 0, NaN below
Source    the array API standard 2024.12)",
                                R"(>>> pt.log(1.0).item()
0.0)");

const AutocastRule rule("log", Precision::Full);

}  // namespace
}  // namespace pt
