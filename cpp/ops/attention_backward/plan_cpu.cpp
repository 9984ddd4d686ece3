#include "ops/attention/definition.h"
#include "ops/attention/plan.h"
#include "ops/cpu_target.h"

namespace pt {
namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  const double scale = attention::scale_of(attrs, in[0].shape);
  return plan_attention_backward(in[0], in[1], in[2], in[3], in[4], in[5], out[0], out[1], out[2],
                                 attrs.flag("is_causal"), scale);
}

const OpPlan* planned = on_cpu("attention_backward", {.plan = plan});

}  // namespace
}  // namespace pt
