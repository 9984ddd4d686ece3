#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("signbit")
                           .in("x", Takes::Float)
                           .predicate()
                           .doc(R"(where the sign bit of x is set: below zero, and at -0.0. A NaN has no sign.
Shapes    x [...] -> bool [...]
Dtypes    floats
Errors    integers, bool, complex numbers
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.signbit(-0.0).item()
True)");

}  // namespace
}  // namespace pt
