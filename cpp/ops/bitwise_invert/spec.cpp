#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("bitwise_invert")
                           .in("x", Takes::Bits)
                           .elementwise()
                           .no_gradient()
                           .doc(R"(every bit of x the other way; of bool, where x is false.
Shapes    x [...] -> [...]
Dtypes    integers and bool
Errors    floats
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.bitwise_invert(5).item()
-6)");

}  // namespace
}  // namespace pt
