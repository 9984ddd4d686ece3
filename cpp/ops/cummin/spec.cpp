#include "ops/scan/running.h"

namespace pt {
namespace {

const Op* position =
    running_place("cummin_position")
        .doc(R"(where along an axis the smallest element so far is, the last of equal ones.
Shapes    x [...] -> int64 [...]
Dtypes    all
Errors    an axis that x does not have
Grad      none
Source    that of cummin)",
             R"(>>> pt.ops.functional.OPERATORS["cummin_position"](pt.tensor([2, 1, 3])).numpy().tolist()
[0, 1, 1])");

const Op* registered =
    running_best("cummin", "cummin_position")
        .doc(R"(the smallest element so far along an axis, and where it is, the last of equal ones; from a NaN on, NaN.
Shapes    x [...] -> [...], int64 [...]
Dtypes    all
Errors    an axis that x does not have
Grad      x
Source    PyTorch, cummin)",
             R"(>>> [t.numpy().tolist() for t in pt.cummin(pt.tensor([2, 1, 3]))]
[[2, 1, 1], [0, 1, 1]])");

}  // namespace
}  // namespace pt
