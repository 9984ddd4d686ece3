#include <algorithm>

#include "core/space_plan.h"
#include "ops/check_index/desc.h"
#include "ops/cpu_target.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 16384;  // some 10 us

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand>, const Attrs& attrs, const PlanContext&) {
  LaunchPlan plan;
  const int64_t elements = count(in[0].shape);
  if (elements == 0) return plan;
  CheckIndexDesc d{};
  d.space = make_space(in[0].shape, in[0].strides, size_of(in[0].dtype), 0, in[0].shape.size());
  d.axis_size = attrs.integer("size");
  d.chunk = std::min(elements, kChunkElements);
  d.wide_index = in[0].dtype == DType::I64;
  Launch launch;
  launch.kernel = "check_index";
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(elements, d.chunk);
  launch.bytes = static_cast<double>(elements) * static_cast<double>(size_of(in[0].dtype));
  plan.launches.push_back(std::move(launch));
  return plan;
}

const OpPlan* planned = on_cpu("check_index", {.plan = plan});

}  // namespace
}  // namespace pt
