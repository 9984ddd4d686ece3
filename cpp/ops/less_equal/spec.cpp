#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("less_equal")
                           .in("a", Takes::Any)
                           .in("b", Takes::Any)
                           .predicate()
                           .doc(R"(where a is at most b.
Shapes    a [...], b [...] -> bool [...], broadcast
Dtypes    all
Errors    shapes that do not broadcast
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.less_equal(1.0, 2.0).item()
True)");

}  // namespace
}  // namespace pt
