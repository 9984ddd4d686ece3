// Reading elements by index on a GPU, as ops/gather/plan.h has it.
#pragma once
#include "core/launch.h"

namespace pt::cuda {

LaunchPlan plan_gather(const Operand& table, const Operand& index, const Operand& out, int axis);
LaunchPlan plan_take_along(const Operand& x, const Operand& index, const Operand& out, int axis);

}  // namespace pt::cuda
