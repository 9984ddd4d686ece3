#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("ceil")
                           .in("x", Takes::Number)
                           .elementwise()
                           .no_gradient()
                           .doc(R"(the smallest whole number not below x.
Shapes    x [...] -> [...]
Dtypes    all numbers
Errors    complex numbers; bool
Grad      zero everywhere
Source    the array API standard 2024.12)",
                                R"(>>> pt.ceil(1.5).item()
2.0)");

}  // namespace
}  // namespace pt
