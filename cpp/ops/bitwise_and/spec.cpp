#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("bitwise_and")
                           .in("a", Takes::Bits)
                           .in("b", Takes::Bits)
                           .elementwise()
                           .no_gradient()
                           .doc(R"(1 in each bit where both bits are 1.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    integers and bool
Errors    shapes that do not broadcast; floats
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.bitwise_and(6, 3).item()
2)");

}  // namespace
}  // namespace pt
