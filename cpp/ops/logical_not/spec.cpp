#include "ops/op.h"

namespace pt {
namespace {

const Op* registered = define("logical_not")
                           .in("x", Takes::Bool)
                           .predicate()
                           .doc(R"(where x is false.
Shapes    x [...] -> bool [...]
Dtypes    bool
Errors    anything but bool
Grad      none
Source    the array API standard 2024.12)",
                                R"(>>> pt.logical_not(True).item()
False)");

}  // namespace
}  // namespace pt
