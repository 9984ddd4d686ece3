// What crosses the border by value: calls of plans, and the plans that they make.
#pragma once
#include <vector>

#include "abi/device.h"
#include "core/attrs.h"
#include "core/launch.h"
#include "ops/fused/machine.h"

namespace pt::cuda {

std::vector<Operand> operands_of(const PtdOperand* operands, int32_t count);
Attrs attrs_of(const PtdAttribute* attributes, int32_t count);
FusedProgram program_of(const PtdFused& program);
void give_plan(const LaunchPlan& plan, const PtdPlan& to);

}  // namespace pt::cuda
