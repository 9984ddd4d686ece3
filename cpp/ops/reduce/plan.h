// Reductions of any axes of any strided operand.
#pragma once
#include <vector>

#include "ops/reduce/kind.h"
#include "ops/target.h"

namespace pt {

// The axes are ascending and counted from the start; out is row-major, with or without axes of size 1 in their place.
LaunchPlan plan_reduce(ReduceKind kind, const Operand& in, const std::vector<int>& axes, const Operand& out,
                       const PlanContext& context);

// Of an op with the attributes axis and keepdims.
OpPlan reducing(ReduceKind kind);

}  // namespace pt
