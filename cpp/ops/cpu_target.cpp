#include "ops/cpu_target.h"

#include "ops/fused/machine.h"
#include "parallel/kernel_table.h"
#include "parallel/launcher.h"

namespace pt {
namespace {

class CpuTarget final : public Target {
 public:
  CpuTarget() : Target("cpu", host_memory()) {}
  LaunchPlan plan_fused(const FusedProgram& program, const PlanContext& context) const override {
    return lower_fused(program, context.threads);
  }
  const FusionLimits& fusion_limits() const override {
    static constexpr FusionLimits limits{.operands = 24,
                                         .members = 48,
                                         .few_rows = 16,
                                         .long_row = 4096,
                                         .rounds_halves = false,
                                         .casts_together = false,
                                         .saves_launches = false,
                                         .sums_columns = true};
    return limits;
  }
  Instruction bind(const Launch& launch, const PlanContext& context) const override {
    return make_instruction(launch, context);
  }
  Device& device() const override { return cpu_device(); }
  PlanContext context() const override {
    PlanContext context = cpu_plan_context();
    context.target = this;
    return context;
  }
};

}  // namespace

Target& cpu_target() {
  static auto& target = *new CpuTarget;  // never destroyed: threads may compute while the process ends
  return target;
}

}  // namespace pt
