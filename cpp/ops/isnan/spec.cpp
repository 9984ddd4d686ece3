#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("isnan")
                           .in("x", Takes::Float)
                           .predicate()
                           .doc(R"(where x is not a number.
Shapes    x [...] -> bool [...]
Dtypes    floats)",
                                R"(>>> pt.isnan(float("nan")).item()
True)");

}  // namespace
}  // namespace pt
