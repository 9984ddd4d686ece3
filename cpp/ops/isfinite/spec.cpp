#include "ops/complex.h"
#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("isfinite")
                           .in("x", Takes::Float)
                           .predicate()
                           .complex(both_parts("isfinite"))
                           .doc(R"(where x is neither infinite nor NaN.
Shapes    x [...] -> bool [...]
Dtypes    floats
Errors    integers, bool
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.isfinite(float("inf")).item()
False)");

}  // namespace
}  // namespace pt
