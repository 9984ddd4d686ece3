// From what an op asked for to an instruction: the two-threshold planner of the pool.
#pragma once
#include "core/device.h"
#include "core/launch.h"

namespace pt {

Device& cpu_device();
// With the kernel of the instruction set that was planned for; operands are the caller's to fill in.
Instruction make_instruction(const Launch& launch, const PlanContext& context);

}  // namespace pt
