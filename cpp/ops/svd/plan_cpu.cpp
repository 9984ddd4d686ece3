#include "ops/cpu_target.h"
#include "ops/factor/plan.h"

namespace pt {
namespace {

const OpPlan* tall =
    on_cpu("svd_tall", {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs&,
                                   const PlanContext&) { return plan_factor(FactorKind::Svd, in, out); }});

}  // namespace
}  // namespace pt
