#include "ops/cpu_target.h"
#include "ops/put_along_axis_max/desc.h"
#include "ops/scatter_add/plan.h"

namespace pt {
namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  LaunchPlan plan;
  if (count(out[0].shape) == 0) return plan;
  const int axis = normal_axis(attrs.integer("axis"), out[0].shape.size(), "put_along_axis_max");
  const PutMaxDesc d{describe_put(in[0], in[1], out[0], axis), static_cast<FusedStorage>(in[1].dtype)};
  Launch launch;
  launch.kernel = "put_along_axis_max";
  launch.desc = Descriptor::of(d);
  launch.chunks = put_chunks(d.put);
  launch.bytes = static_cast<double>(count(in[1].shape) * (size_of(in[1].dtype) + size_of(in[0].dtype)) +
                                     count(out[0].shape) * size_of(out[0].dtype));
  plan.launches.push_back(std::move(launch));
  return plan;
}

const OpPlan* planned = on_cpu("put_along_axis_max", {.plan = plan});

}  // namespace
}  // namespace pt
