#include "ops/complex.h"
#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("not_equal")
                           .in("a", Takes::Any)
                           .in("b", Takes::Any)
                           .predicate()
                           .complex(either_part("not_equal"))
                           .doc(R"(where a differs from b; NaN differs from everything.
Shapes    a [...], b [...] -> bool [...], broadcast
Dtypes    all
Errors    shapes that do not broadcast
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.not_equal(1.0, 2.0).item()
True)");

}  // namespace
}  // namespace pt
