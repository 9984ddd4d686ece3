#include "ops/cpu_target.h"
#include "ops/factor/plan.h"

namespace pt {
namespace {

const OpPlan* planned =
    on_cpu("lu", {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs&,
                             const PlanContext&) { return plan_factor(FactorKind::Lu, in, out); }});

}  // namespace
}  // namespace pt
