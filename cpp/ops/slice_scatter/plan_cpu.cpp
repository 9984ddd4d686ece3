#include "ops/copy/plan.h"
#include "ops/cpu_target.h"
#include "ops/fill/plan.h"

namespace pt {
namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  LaunchPlan plan = plan_fill(out[0], attrs.number("value"));
  for (Launch& launch : plan.launches) launch.operands.assign({1});
  Operand piece{in[0].dtype, in[0].shape, out[0].strides};
  int64_t offset = 0;
  for (int i = 0; i < piece.shape.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    offset += attrs.ints("start")[at] * out[0].strides[i];
    piece.strides[i] *= attrs.ints("step")[at];
  }
  for (Launch& launch : plan_copy(in[0], piece).launches) {
    launch.operands.assign({0, 1});
    launch.byte_offsets = {0, offset * static_cast<int64_t>(size_of(in[0].dtype))};
    plan.launches.push_back(std::move(launch));
  }
  return plan;
}

const OpPlan* planned = on_cpu("slice_scatter", {.plan = plan});

}  // namespace
}  // namespace pt
