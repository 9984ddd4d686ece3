#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("trunc")
                           .in("x", Takes::Number)
                           .elementwise()
                           .no_gradient()
                           .doc(R"(x without its fraction.
Shapes    x [...] -> [...]
Dtypes    all numbers
Errors    complex numbers; bool
Grad      zero everywhere
Source    the array API standard 2024.12)",
                                R"(>>> pt.trunc(1.5).item()
1.0)");

}  // namespace
}  // namespace pt
