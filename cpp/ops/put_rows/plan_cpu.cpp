#include <algorithm>

#include "ops/cpu_target.h"
#include "ops/put_rows/desc.h"

namespace pt {
namespace {

constexpr int64_t kChunkBytes = 64 << 10;
constexpr int64_t kMostChunks = 16;  // each reads all indices

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs&, const PlanContext&) {
  LaunchPlan plan;
  PutRowsDesc d{};
  d.axis_size = out[0].shape[0];
  d.sources = count(in[1].shape);
  d.row_bytes = count(out[0].shape) / d.axis_size * static_cast<int64_t>(size_of(out[0].dtype));
  d.wide_index = in[1].dtype == DType::I64;
  d.chunks = std::clamp<int64_t>(d.sources * d.row_bytes / kChunkBytes, 1, std::min(kMostChunks, d.axis_size));
  if (d.sources == 0) return plan;
  Launch launch;
  launch.kernel = "put_rows";
  launch.desc = Descriptor::of(d);
  launch.chunks = d.chunks;
  launch.operands.assign({1, 2, 3});
  launch.bytes = static_cast<double>(d.sources) * (2.0 * static_cast<double>(d.row_bytes) + 8);
  plan.launches.push_back(std::move(launch));
  return plan;
}

const OpPlan* planned = on_cpu("put_rows", {.plan = plan});

}  // namespace
}  // namespace pt
