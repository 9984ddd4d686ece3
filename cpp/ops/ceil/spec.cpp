#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("ceil")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .no_gradient()
                           .doc(R"(the smallest whole number not below x.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    complex numbers
Grad      zero everywhere
Source    the array API standard 2024.12)",
                                R"(>>> pt.ceil(1.5).item()
2.0)");

}  // namespace
}  // namespace pt
