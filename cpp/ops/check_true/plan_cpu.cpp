#include <algorithm>

#include "core/space_plan.h"
#include "ops/check_true/desc.h"
#include "ops/cpu_target.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 65536;  // some 5 us

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand>, const Attrs&, const PlanContext&) {
  LaunchPlan plan;
  const int64_t elements = count(in[0].shape);
  if (elements == 0) return plan;
  CheckTrueDesc d{};
  d.space = make_space(in[0].shape, in[0].strides, size_of(in[0].dtype), 0, in[0].shape.size());
  d.chunk = std::min(elements, kChunkElements);
  Launch launch;
  launch.kernel = "check_true";
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(elements, d.chunk);
  launch.bytes = static_cast<double>(elements);
  plan.launches.push_back(std::move(launch));
  return plan;
}

const OpPlan* planned = on_cpu("check_true", {.plan = plan});

}  // namespace
}  // namespace pt
