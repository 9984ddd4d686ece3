#include "ops/cpu_target.h"
#include "ops/sort/plan.h"

namespace pt {
namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  const int axis = normal_axis(attrs.integer("axis"), in[0].shape.size(), "argtopk");
  return plan_argsort(in[0], out[0], axis, attrs.flag("largest"));
}

const OpPlan* planned = on_cpu("argtopk", {.plan = plan});

}  // namespace
}  // namespace pt
