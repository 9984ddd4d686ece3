#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("logical_or")
                           .in("a", Takes::Bool)
                           .in("b", Takes::Bool)
                           .predicate()
                           .doc(R"(where a or b or both are true.
Shapes    a [...], b [...] -> bool [...], broadcast
Dtypes    bool
Errors    shapes that do not broadcast
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.logical_or(True, False).item()
True)");

}  // namespace
}  // namespace pt
