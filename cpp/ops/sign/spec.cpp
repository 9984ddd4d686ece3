#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("sign")
                           .in("x", Takes::Number)
                           .elementwise()
                           .no_gradient()
                           .doc(R"(-1, 0 or 1, as x is below, at or above zero; NaN stays NaN.
Shapes    x [...] -> [...]
Dtypes    all numbers
Grad      zero everywhere)",
                                R"(>>> pt.sign(-2.0).item()
-1.0)");

}  // namespace
}  // namespace pt
