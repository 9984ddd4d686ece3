#include "ops/cpu_target.h"
#include "ops/fused/programs.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu("random_uniform", {.plan = [](std::span<const Operand> in, std::span<const Operand> out,
                                                             const Attrs& attrs, const PlanContext&) {
                                 return lower_fused(uniform_program(in[0], out[0], attrs.integer("ordinal")));
                               }});

}  // namespace
}  // namespace pt
