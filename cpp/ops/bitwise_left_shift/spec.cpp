#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("bitwise_left_shift")
                           .in("a", Takes::Integer)
                           .in("b", Takes::Integer)
                           .elementwise()
                           .no_gradient()
                           .doc(R"(the bits of a, b places to the left; what is shifted out is lost.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    integers
Errors    shapes that do not broadcast; floats and bool
Grad      none
Numerics  with a count below 0 or of at least the width, 0
Source    the array API standard 2024.12)",
                                R"(>>> pt.bitwise_left_shift(3, 2).item()
12)");

}  // namespace
}  // namespace pt
