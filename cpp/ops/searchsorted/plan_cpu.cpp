#include "ops/cpu_target.h"
#include "ops/sort/plan.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu("searchsorted", {.plan = [](std::span<const Operand> in, std::span<const Operand> out,
                                                           const Attrs& attrs, const PlanContext&) {
                                 return plan_searchsorted(in[0], in[1], out[0], attrs.str("side") == "right");
                               }});

}  // namespace
}  // namespace pt
