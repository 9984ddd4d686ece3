#include "ops/copy/plan.h"
#include "ops/cpu_target.h"

namespace pt {
namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  LaunchPlan plan = plan_copy(in[0], out[0]);
  for (Launch& launch : plan.launches) launch.operands.assign({0, 2});
  for (Launch& launch : plan_copy(in[1], {in[1].dtype, in[1].shape, row_major(in[1].shape)}).launches) {
    launch.operands.assign({1, 2});
    launch.byte_offsets = {0, attrs.integer("offset") * static_cast<int64_t>(size_of(in[1].dtype))};
    plan.launches.push_back(std::move(launch));
  }
  return plan;
}

const OpPlan* planned = on_cpu("update_flat_view", {.plan = plan});

}  // namespace
}  // namespace pt
