#include "ops/complex.h"
#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("round")
                           .in("x", Takes::Number)
                           .elementwise()
                           .no_gradient()
                           .complex(on_parts("round"))
                           .doc(R"(x rounded to the nearest whole number; halves go to the even neighbour.
Shapes    x [...] -> [...]
Dtypes    all numbers
Errors    bool
Grad      zero everywhere
Source    the array API standard 2024.12)",
                                R"(>>> pt.round(1.5).item()
2.0)");

}  // namespace
}  // namespace pt
