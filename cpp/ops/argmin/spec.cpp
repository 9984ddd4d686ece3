#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered =
    reduction("argmin", Takes::Any, ResultType::Position, true)
        .no_gradient()
        .doc(R"(the position of the smallest element along an axis, the first of equal ones; NaN counts as the smallest.
Shapes    x [...] -> int64, x without the axis; axis None counts through all elements in row-major order
Dtypes    all
Errors    an axis that x does not have; more than one axis; no element
Grad      none
Source    the array API standard 2024.12)",
             R"(>>> pt.argmin(pt.arange(4)).item()
0)");

}  // namespace
}  // namespace pt
