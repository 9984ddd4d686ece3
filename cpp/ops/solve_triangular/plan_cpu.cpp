#include "ops/cpu_target.h"
#include "ops/factor/plan.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu(
    "solve_triangular",
    {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
      return plan_factor(FactorKind::TriangularSolve, in, out, solve_options(attrs));
    }});

}  // namespace
}  // namespace pt
