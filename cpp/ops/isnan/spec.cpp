#include "ops/complex.h"
#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("isnan")
                           .in("x", Takes::Float)
                           .predicate()
                           .complex(either_part("isnan"))
                           .doc(R"(where x is not a number.
Shapes    x [...] -> bool [...]
Dtypes    floats
Errors    integers, bool
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.isnan(float("nan")).item()
True)");

}  // namespace
}  // namespace pt
