#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("floor")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .no_gradient()
                           .doc(R"(the largest whole number not above x.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Grad      zero everywhere)",
                                R"(>>> pt.floor(1.5).item()
1.0)");

}  // namespace
}  // namespace pt
