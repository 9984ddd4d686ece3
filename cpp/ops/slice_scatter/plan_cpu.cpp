#include "ops/copy/plan.h"
#include "ops/cpu_target.h"
#include "ops/fill/plan.h"
#include "ops/slice_scatter/plan.h"

namespace pt {
namespace {

const OpPlan* planned =
    on_cpu("slice_scatter",
           {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                       const PlanContext&) { return plan_slice_scatter(in[0], out[0], attrs, plan_copy, plan_fill); }});

}  // namespace
}  // namespace pt
