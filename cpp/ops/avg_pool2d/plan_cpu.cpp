#include "ops/cpu_target.h"
#include "ops/pooling.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu(
    "avg_pool2d",
    {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
      return plan_avg_pool2d(in[0], out[0], pool_params(attrs, "avg_pool2d"), attrs.flag("count_include_pad"));
    }});

LaunchPlan plan_backward(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                         const PlanContext&) {
  const PoolParams params = pool_params(attrs, "avg_pool2d_backward");
  return plan_avg_pool2d_backward(in[0], out[0], params, attrs.flag("count_include_pad"));
}

const OpPlan* backward = on_cpu("avg_pool2d_backward", {.plan = plan_backward});

}  // namespace
}  // namespace pt
