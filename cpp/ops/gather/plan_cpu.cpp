#include <algorithm>

#include "core/space_plan.h"
#include "ops/gather/desc.h"
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
  const std::size_t bytes = size_of(table.dtype), index_bytes = size_of(index.dtype);
  GatherDesc d{};
  d.outer = make_space(table.shape, table.strides, bytes, 0, axis);
  d.inner = make_space(table.shape, table.strides, bytes, axis + 1, table.shape.size());
  d.index = make_space(index.shape, index.strides, index_bytes, 0, index.shape.size());
  d.axis_size = table.shape[axis];
  d.axis_stride = table.strides[axis] * static_cast<int64_t>(bytes);
  d.element_bytes = static_cast<int32_t>(bytes);
  d.wide_index = index.dtype == DType::I64;
  d.contiguous = d.inner.axes == 1 && (d.inner.count == 1 || d.inner.a[0] == d.element_bytes);

  d.rows = d.outer.count * d.index.count;
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
  Strides from = x.strides;
  TakeAlongDesc d{};
  d.element_bytes = static_cast<int32_t>(size_of(x.dtype));
  d.axis_size = x.shape[axis];
  d.axis_stride = from[axis] * d.element_bytes;
  from[axis] = 0;
  Strides positions = index.strides;
  for (int i = 0; i < out.shape.size(); ++i) {
    if (x.shape[i] == 1) from[i] = 0;
    if (index.shape[i] == 1) positions[i] = 0;
  }
  d.space = make_space(out.shape, from, d.element_bytes, positions, size_of(index.dtype), 0, out.shape.size());
  d.wide_index = index.dtype == DType::I64;
  d.chunk = std::min(elements, kChunkElements);
  plan.launches.push_back(make_launch(kTakeAlong, Descriptor::of(d), ceil_div(elements, d.chunk),
                                      static_cast<double>(elements) * (2.0 * d.element_bytes + 8)));
  return plan;
}

}  // namespace pt
