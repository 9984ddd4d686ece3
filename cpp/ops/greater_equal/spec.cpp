#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("greater_equal")
                           .in("a", Takes::Any)
                           .in("b", Takes::Any)
                           .predicate()
                           .doc(R"(where a is at least b.
Shapes    a [...], b [...] -> bool [...], broadcast
Dtypes    all
Errors    shapes that do not broadcast
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.greater_equal(1.0, 2.0).item()
False)");

}  // namespace
}  // namespace pt
