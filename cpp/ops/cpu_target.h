// The CPU as a target. Its plans stand beside the kernels, in ops/<op>/plan_cpu.cpp.
#pragma once
#include "ops/target.h"

namespace pt {

Target& cpu_target();

// What plan_cpu.cpp files end with: `const OpPlan* planned = on_cpu("take", {.plan = plan});`
inline const OpPlan* on_cpu(std::string op, OpPlan plan) { return cpu_target().add(std::move(op), std::move(plan)); }
// The door for ops that are made while the process runs: loops, branches and kernels of plugins.
inline const OpPlan* on_cpu(Op& op, OpPlan plan) { return cpu_target().add(op, std::move(plan)); }

}  // namespace pt
