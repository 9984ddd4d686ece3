#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("bitwise_xor")
                           .in("a", Takes::Bits)
                           .in("b", Takes::Bits)
                           .elementwise()
                           .no_gradient()
                           .doc(R"(1 in each bit where one bit of the two is 1.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    integers and bool
Errors    shapes that do not broadcast; floats
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.bitwise_xor(6, 3).item()
5)");

}  // namespace
}  // namespace pt
