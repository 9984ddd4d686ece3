#include "ops/copy/plan.h"
#include "ops/cpu_target.h"

namespace pt {
namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  const int axis = normal_axis(attrs.integer("axis"), out[0].shape.size(), "concat");
  const int output = static_cast<int>(in.size());
  LaunchPlan plan;
  int64_t begin = 0;
  for (int i = 0; i < output; ++i) {
    for (Launch& launch : plan_copy(in[i], {in[i].dtype, in[i].shape, out[0].strides}).launches) {
      launch.operands.assign({i, output});
      launch.byte_offsets.assign({0, begin * out[0].strides[axis] * static_cast<int64_t>(size_of(out[0].dtype))});
      plan.launches.push_back(std::move(launch));
    }
    begin += in[i].shape[axis];
  }
  return plan;
}

const OpPlan* planned = on_cpu("concat", {.plan = plan});

}  // namespace
}  // namespace pt
