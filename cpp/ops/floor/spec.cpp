#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("floor")
                           .in("x", Takes::Number)
                           .elementwise()
                           .no_gradient()
                           .doc(R"(the largest whole number not above x.
Shapes    x [...] -> [...]
Dtypes    all numbers
Errors    complex numbers; bool
Grad      zero everywhere
Source    the array API standard 2024.12)",
                                R"(>>> pt.floor(1.5).item()
1.0)");

}  // namespace
}  // namespace pt
