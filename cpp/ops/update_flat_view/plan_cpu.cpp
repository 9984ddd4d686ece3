#include "ops/copy/plan.h"
#include "ops/cpu_target.h"
#include "ops/update_flat_view/plan.h"

namespace pt {
namespace {

const OpPlan* planned =
    on_cpu("update_flat_view",
           {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                       const PlanContext&) { return plan_update_flat_view(in, out[0], attrs, plan_copy); }});

}  // namespace
}  // namespace pt
