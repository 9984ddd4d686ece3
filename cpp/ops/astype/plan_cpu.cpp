#include "ops/astype/desc.h"
#include "ops/cpu_target.h"
#include "ops/fused/programs.h"

namespace pt {
namespace {

// Results of some megabytes are read much later; smaller ones are better kept in a cache.
bool rounds_much(const Operand& in, const Operand& out) {
  constexpr int64_t kLeastElements = 1 << 20;
  return in.dtype == DType::F32 && out.dtype == DType::BF16 && count(in.shape) >= kLeastElements &&
         in.strides == row_major(in.shape) && out.strides == row_major(out.shape);
}

LaunchPlan plan_rounding(const Operand& in) {
  const int64_t elements = count(in.shape);
  Launch launch;
  launch.kernel = "astype";
  launch.desc = Descriptor::of(CastDesc{elements});
  launch.chunks = (elements + kCastChunk - 1) / kCastChunk;
  launch.bytes = 6.0 * static_cast<double>(elements);
  LaunchPlan plan;
  plan.launches.push_back(std::move(launch));
  return plan;
}

const OpPlan* planned = on_cpu(
    "astype", {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs&, const PlanContext&) {
      return rounds_much(in[0], out[0]) ? plan_rounding(in[0]) : lower_fused(cast_program(in[0], out[0]));
    }});

}  // namespace
}  // namespace pt
