#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("logical_and")
                           .in("a", Takes::Bool)
                           .in("b", Takes::Bool)
                           .predicate()
                           .doc(R"(where both a and b are true.
Shapes    a [...], b [...] -> bool [...], broadcast
Dtypes    bool
Errors    shapes that do not broadcast
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.logical_and(True, False).item()
False)");

}  // namespace
}  // namespace pt
