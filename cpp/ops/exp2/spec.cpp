#include "ops/autocast.h"
#include "ops/composed.h"

namespace pt {
namespace {

constexpr double kLn2 = 0.69314718055994530942;

const Op* registered = composed_unary(
                           "exp2", "x",
                           [](const Tensor& x, const Attrs&) {
                             return fn::call("pow", {fn::number(2), x});
                           },
                           [](const Tensor& x, const Attrs&) { return kLn2 * fn::call("exp2", {x}); })
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
