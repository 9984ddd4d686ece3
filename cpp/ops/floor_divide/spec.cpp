#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("floor_divide")
                           .in("a", Takes::Number)
                           .in("b", Takes::Number)
                           .elementwise()
                           .cost(4)
                           .no_gradient()
                           .doc(R"(the largest whole number not above a / b.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    all numbers; an integer quotient by 0 is 0
Errors    shapes that do not broadcast
Grad      zero everywhere
Source    the array API standard 2024.12)",
                                R"(>>> pt.floor_divide(-7.0, 3.0).item()
-3.0)");

}  // namespace
}  // namespace pt
