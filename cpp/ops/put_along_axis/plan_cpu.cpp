#include "ops/axes.h"
#include "ops/cpu_target.h"
#include "ops/scatter_add/plan.h"

namespace pt {
namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  const int axis = normal_axis(attrs.integer("axis"), out[0].shape.size(), "put_along_axis");
  return plan_put_along(in[0], in[1], out[0], axis);
}

const OpPlan* planned = on_cpu("put_along_axis", {.plan = plan});

}  // namespace
}  // namespace pt
