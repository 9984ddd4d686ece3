#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("trunc")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .no_gradient()
                           .doc(R"(x without its fraction.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      zero everywhere
Source    the array API standard 2024.12)",
                                R"(>>> pt.trunc(1.5).item()
1.0)");

}  // namespace
}  // namespace pt
