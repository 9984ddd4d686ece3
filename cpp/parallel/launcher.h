// From what an op asked for to an instruction: the two-threshold planner of the pool.
#pragma once
#include "core/device.h"
#include "core/launch.h"

namespace pt {

// Estimated time of a launch on one thread, in microseconds.
double estimate_micros(const Launch& launch, const PlanContext& context);
// Sharing costs a wake-up and a few cache lines: not for work shorter than that.
bool worth_sharing(const Launch& launch, const PlanContext& context);
// With the kernel of the instruction set that was planned for; operands are the caller's to fill in.
Instruction make_instruction(const Launch& launch, const PlanContext& context);

}  // namespace pt
