#include "ops/adam_step/plan.h"
#include "ops/cpu_target.h"
#include "ops/float_variant.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 1 << 14;  // some 5 us from a cache, 10 from memory

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  AdamDesc d = describe_adam(in, attrs);
  d.chunk = kChunkElements;
  Launch launch;
  launch.kernel = "adam_step";
  launch.variant = float_variant(in[kP].dtype);
  launch.desc = Descriptor::of(d);
  launch.chunks = (d.elements + d.chunk - 1) / d.chunk;
  launch.flops = 16.0 * static_cast<double>(d.elements);
  launch.bytes = static_cast<double>(d.elements * static_cast<int64_t>(size_of(in[kP].dtype) * (2 * out.size() + 1)));
  LaunchPlan all;
  all.launches.push_back(std::move(launch));
  return all;
}

const OpPlan* planned = on_cpu("adam_step", {.plan = plan});

}  // namespace
}  // namespace pt
