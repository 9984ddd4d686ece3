#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("bitwise_right_shift")
                           .in("a", Takes::Integer)
                           .in("b", Takes::Integer)
                           .elementwise()
                           .no_gradient()
                           .doc(R"(the bits of a, b places to the right; the sign stays.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    integers
Errors    shapes that do not broadcast; floats and bool
Grad      none
Numerics  with a count below 0 or of at least the width, 0, or -1 where a is negative
Source    the array API standard 2024.12)",
                                R"(>>> pt.bitwise_right_shift(-8, 2).item()
-2)");

}  // namespace
}  // namespace pt
