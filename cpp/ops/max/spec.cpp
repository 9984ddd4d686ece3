#include "ops/fused/machine.h"
#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered = reduction("max", Takes::Any, ResultType::Input, true)
                           .reduces_rows(StepKind::RowMax)
                           .saves({true}, {true})
                           .vjp([](const VjpContext& c) { return shared_by_ties(c, "max"); })
                           .doc(R"(the largest element over the given axes; NaN where one is NaN.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    all
Errors    an axis that x does not have; no element along an axis
Grad      x; equal elements share it equally, and so do NaN
Source    the array API standard 2024.12)",
                                R"(>>> pt.max(pt.arange(4)).item()
3)");

}  // namespace
}  // namespace pt
