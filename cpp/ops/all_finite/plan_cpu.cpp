#include <algorithm>

#include "core/space_plan.h"
#include "ops/all_finite/desc.h"
#include "ops/all_finite/plan.h"
#include "ops/float_variant.h"

namespace pt {
namespace {

constexpr int64_t kChunkBytes = 256 << 10;  // some 15 us at the speed of memory

}  // namespace

LaunchPlan plan_all_finite(const Operand& in) {
  LaunchPlan plan;
  const int64_t elements = count(in.shape), bytes = static_cast<int64_t>(size_of(in.dtype));
  if (elements == 0 || !is_float(in.dtype)) return plan;  // an integer is always finite
  AllFiniteDesc d{};
  d.space = make_space(in.shape, in.strides, bytes, 0, in.shape.size());
  d.run = d.space.extent[d.space.axes - 1];
  d.runs = elements / d.run;
  d.chunk = std::min(d.run, kChunkBytes / bytes);
  d.run_chunks = ceil_div(d.run, d.chunk);
  d.runs_per_chunk = std::clamp<int64_t>(kChunkBytes / (d.chunk * bytes), 1, d.runs);
  Launch launch;
  launch.kernel = "all_finite";
  launch.variant = float_variant(in.dtype);
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(d.runs, d.runs_per_chunk) * d.run_chunks;
  launch.bytes = static_cast<double>(elements * bytes);
  plan.launches.push_back(std::move(launch));
  return plan;
}

}  // namespace pt
