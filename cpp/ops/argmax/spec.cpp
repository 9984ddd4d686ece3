#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered =
    reduction("argmax", Takes::Any, ResultType::Position, true)
        .no_gradient()
        .doc(R"(the position of the largest element along an axis, the first of equal ones; NaN counts as the largest.
Shapes    x [...] -> int64, x without the axis; axis None counts through all elements in row-major order
Dtypes    all
Errors    an axis that x does not have; more than one axis; no element
Grad      none
Source    the array API standard 2024.12)",
             R"(>>> pt.argmax(pt.arange(4)).item()
3)");

}  // namespace
}  // namespace pt
