#include "ops/complex.h"
#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("equal")
                           .in("a", Takes::Any)
                           .in("b", Takes::Any)
                           .predicate()
                           .complex(both_parts("equal"))
                           .doc(R"(where a equals b; NaN equals nothing.
Shapes    a [...], b [...] -> bool [...], broadcast
Dtypes    all
Errors    shapes that do not broadcast
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.equal(1.0, 2.0).item()
False)");

}  // namespace
}  // namespace pt
