#include "ops/adam_step/desc.h"
#include "ops/cpu_target.h"
#include "ops/float_variant.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 1 << 14;  // some 5 us from a cache, 10 from memory

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  AdamDesc d{};
  d.elements = count(in[kP].shape);
  d.chunk = kChunkElements;
  d.beta1 = attrs.number("beta1"), d.beta2 = attrs.number("beta2");
  d.eps = attrs.number("eps"), d.decay = attrs.number("decay");
  const auto given = [&](int i) { return in[i].dtype != DType::Bool; };
  d.largest = given(kLargest), d.kept = given(kKept), d.factor = given(kFactor);
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
