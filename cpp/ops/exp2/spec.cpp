#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kLn2 = 0.69314718055994530942;

const Op* registered = define("exp2")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .cost(0.5)
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             return {fn::cast(fn::call("pow", {fn::number(2), widened(in[0])}), in[0].dtype())};
                           })
                           .saves({false}, {true})
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] * (kLn2 * c.out[0])}; })
                           .doc(R"(2 to the power of x, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      x
Source    NumPy, exp2)",
                                R"(>>> pt.exp2(3.0).item()
8.0)");

const AutocastRule rule("exp2", Precision::Full);

}  // namespace
}  // namespace pt
