#include "ops/scan/running.h"

namespace pt {
namespace {

const Op* position =
    running_place("cummax_position")
        .doc(R"(where along an axis the largest element so far is, the last of equal ones.
Shapes    x [...] -> int64 [...]
Dtypes    all
Errors    an axis that x does not have
Grad      none
Source    that of cummax)",
             R"(>>> pt.ops.functional.OPERATORS["cummax_position"](pt.tensor([2, 1, 3])).numpy().tolist()
[0, 0, 2])");

const Op* registered =
    running_best("cummax", "cummax_position")
        .doc(R"(the largest element so far along an axis, and where it is, the last of equal ones; from a NaN on, NaN.
Shapes    x [...] -> [...], int64 [...]
Dtypes    all
Errors    an axis that x does not have
Grad      x
Source    PyTorch, cummax)",
             R"(>>> [t.numpy().tolist() for t in pt.cummax(pt.tensor([2, 1, 3]))]
[[2, 2, 3], [0, 0, 2]])");

}  // namespace
}  // namespace pt
