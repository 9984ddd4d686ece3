#include "ops/composed.h"

namespace pt {
namespace {

constexpr double kLn2 = 0.69314718055994530942;
// Above it the 1 beside the square is lost.
constexpr double kLarge = 0x1p28;

const Op* registered = composed_unary(
                           "acosh",
                           [](const Tensor& x, const Attrs&) {
                             const Tensor t = x - 1.0;
                             const Tensor near = fn::log1p(t + fn::sqrt(t) * fn::sqrt(t + 2.0));
                             return fn::where(fn::greater(x, fn::number(kLarge)), fn::log(x) + kLn2, near);
                           },
                           [](const Tensor& x, const Attrs&) { return fn::rsqrt((x - 1.0) * (x + 1.0)); })
                           .doc(R"(the inverse of cosh, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      x
Numerics  NaN below 1)",
                                R"(>>> pt.acosh(1.0).item()
0.0)");

}  // namespace
}  // namespace pt
