#include "ops/axes.h"
#include "ops/cpu_target.h"
#include "ops/gather/plan.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu(
    "take",
    {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
      return plan_gather(in[0], in[1], out[0], normal_axis(attrs.integer("axis"), in[0].shape.size(), "take"));
    }});

}  // namespace
}  // namespace pt
