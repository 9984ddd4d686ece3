#include <algorithm>

#include "core/integers.h"
#include "ops/gather/layout.h"
#include "ops/gather/plan.h"

namespace pt {
namespace {

constexpr int64_t kChunkBytes = 32 << 10;  // of output: rows are read from anywhere, some 10 us of misses
constexpr int64_t kChunkElements = 4096;
constexpr int kGather = 0, kTakeAlong = 1;

Launch make_launch(int variant, Descriptor desc, int64_t chunks, double bytes) {
  Launch launch;
  launch.kernel = "gather";
  launch.variant = variant;
  launch.desc = std::move(desc);
  launch.chunks = chunks;
  launch.bytes = bytes;
  return launch;
}

}  // namespace

LaunchPlan plan_gather(const Operand& table, const Operand& index, const Operand& out, int axis) {
  LaunchPlan plan;
  if (count(out.shape) == 0) return plan;
  GatherDesc d = describe_gather(table, index, axis);
  d.piece = std::min(d.inner.count, kChunkBytes / d.element_bytes);
  d.piece_chunks = ceil_div(d.inner.count, d.piece);
  d.row_chunk = std::clamp<int64_t>(kChunkBytes / (d.piece * d.element_bytes), 1, d.rows);
  // A row has a cost of its own, however short it is.
  d.row_chunk = std::min(d.row_chunk, kChunkElements);
  plan.launches.push_back(make_launch(kGather, Descriptor::of(d), ceil_div(d.rows, d.row_chunk) * d.piece_chunks,
                                      2.0 * static_cast<double>(count(out.shape)) * d.element_bytes));
  return plan;
}

LaunchPlan plan_take_along(const Operand& x, const Operand& index, const Operand& out, int axis) {
  LaunchPlan plan;
  const int64_t elements = count(out.shape);
  if (elements == 0) return plan;
  TakeAlongDesc d = describe_take_along(x, index, out, axis);
  d.chunk = std::min(elements, kChunkElements);
  plan.launches.push_back(make_launch(kTakeAlong, Descriptor::of(d), ceil_div(elements, d.chunk),
                                      static_cast<double>(elements) * (2.0 * d.element_bytes + 8)));
  return plan;
}

}  // namespace pt
