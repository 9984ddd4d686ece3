#include "ops/cpu_target.h"
#include "ops/factor/plan.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu("cholesky", {.plan = [](std::span<const Operand> in, std::span<const Operand> out,
                                                       const Attrs& attrs, const PlanContext&) {
                                 return plan_factor(FactorKind::Cholesky, in, out, cholesky_options(attrs));
                               }});

}  // namespace
}  // namespace pt
