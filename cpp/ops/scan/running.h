// What the running ops share: the attributes axis and reverse, and their shape rules.
#pragma once
#include "ops/functional.h"
#include "ops/scan/axis.h"
#include "ops/scan/plan.h"
#include "ops/target.h"

namespace pt {

// Sums or products, with the attributes axis (None for a tensor of one axis), include_initial and reverse.
OpBuilder running(const std::string& name);
OpPlan running_plan(ScanKind kind);

// Where the largest or smallest element so far is, with the attribute axis: ArgMax or ArgMin.
OpBuilder running_place(const std::string& name);
OpPlan running_place_plan(ScanKind kind);
// The largest or smallest element so far and where it is, by the op that finds the place.
OpBuilder running_best(const std::string& name, const std::string& place);

// The gradient without its first element along the axis, which no input moves, where there is an initial one.
Tensor without_initial(const Tensor& gradient, const Attrs& attrs, int axis);

}  // namespace pt
