// Runs a plan's launches on plain memory, in chunk order, for tests of kernels and their plans.
#pragma once
#include <string_view>
#include <vector>

#include "core/launch.h"
#include "ops/cpu_target.h"
#include "parallel/kernel_table.h"

namespace pt::check {

// Operand addresses as the plan counts them: inputs, then outputs. Returns the status word.
inline uint32_t run_plan(const LaunchPlan& plan, const std::vector<void*>& operands) {
  // Not zero, so that a kernel that reads what it has not written is seen.
  std::vector<uint64_t> workspace(plan.workspace_bytes / 8 + 16, 0x7ff4dead7fa4deadu);
  uint32_t status = 0;
  for (const Launch& launch : plan.launches) {
    std::vector<uint64_t> scratch(launch.scratch_bytes / 8 + 16, 0x7ff4dead7fa4deadu);
    auto aligned = [](std::vector<uint64_t>& memory) {
      return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
    };
    std::vector<char*> data;
    if (launch.operands.empty()) {
      for (void* operand : operands) data.push_back(static_cast<char*>(operand));
      if (plan.workspace_bytes) data.push_back(aligned(workspace));
    } else {
      for (int i : launch.operands) data.push_back(i < 0 ? aligned(workspace) : static_cast<char*>(operands[i]));
    }
    for (std::size_t i = 0; i < launch.byte_offsets.size(); ++i) data[i] += launch.byte_offsets[i];
    const KernelFn kernel = kernels_of(launch.kernel, current_isa())[launch.variant];
    const KernelArgs args{data.data(), launch.desc.data(), aligned(scratch), &status};
    // Backwards: chunks may run in any order.
    for (int64_t chunk = launch.chunks - 1; chunk >= 0; --chunk) kernel(&args, chunk);
  }
  return status;
}

// Threads decide how launches are cut: each call gives another number of them, from 1 to 16.
inline PlanContext varied_context() {
  static int64_t turn = 0;
  turn = (5 * turn + 3) % 16;
  PlanContext context = cpu_target().context();
  context.threads = turn + 1;
  return context;
}

// Every instruction set of this build that this processor can run.
inline std::vector<std::string_view> usable_isas() {
  std::vector<std::string_view> names;
  for (std::string_view name : {"generic", "avx2", "avx512", "neon"}) {
    try {
      set_isa(name);
      names.push_back(name);
    } catch (const std::exception&) {
      // Not in this build, or not in this processor.
    }
  }
  return names;
}

}  // namespace pt::check
