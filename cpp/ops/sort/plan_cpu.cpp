#include <algorithm>

#include "core/space_plan.h"
#include "ops/sort/desc.h"
#include "ops/sort/plan.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 4096;
constexpr int64_t kEntryBytes = 16;
constexpr int kSort = 0, kSearch = 1;

FusedStorage storage_of(DType dtype) { return static_cast<FusedStorage>(dtype); }

}  // namespace

LaunchPlan plan_argsort(const Operand& x, const Operand& out, int axis, bool descending) {
  LaunchPlan plan;
  if (count(out.shape) == 0) return plan;
  const auto bytes = static_cast<int64_t>(size_of(x.dtype));
  Shape others = x.shape;
  Strides from = x.strides, to = out.strides;
  SortDesc d{};
  d.n = x.shape[axis];
  d.stride = x.strides[axis] * bytes;
  d.out_stride = out.strides[axis] * 8;
  others.erase(axis);
  from.erase(axis);
  to.erase(axis);
  d.lines = make_space(others, from, size_of(x.dtype), to, 8, 0, others.size());
  d.storage = storage_of(x.dtype);
  d.descending = descending;
  d.chunk = std::clamp<int64_t>(kChunkElements / d.n, 1, d.lines.count);

  Launch launch;
  launch.kernel = "sort";
  launch.variant = kSort;
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(d.lines.count, d.chunk);
  launch.scratch_bytes = 2 * d.n * kEntryBytes;
  // A pass over the entries for each byte of the keys.
  launch.bytes = static_cast<double>(count(out.shape)) * static_cast<double>(bytes + 8 + 2 * kEntryBytes * bytes);
  plan.launches.push_back(std::move(launch));
  return plan;
}

LaunchPlan plan_searchsorted(const Operand& row, const Operand& values, const Operand& out, bool right) {
  LaunchPlan plan;
  const int64_t elements = count(out.shape);
  if (elements == 0) return plan;
  const std::size_t bytes = size_of(row.dtype);
  SearchDesc d{};
  d.values = make_space(values.shape, values.strides, bytes, out.strides, 8, 0, values.shape.size());
  d.n = row.shape[0];
  d.stride = row.strides[0] * static_cast<int64_t>(bytes);
  d.storage = storage_of(row.dtype);
  d.right = right;
  d.chunk = std::min(elements, kChunkElements);

  Launch launch;
  launch.kernel = "sort";
  launch.variant = kSearch;
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(elements, d.chunk);
  launch.bytes = static_cast<double>(elements) * 64;  // some cache lines of the row each
  plan.launches.push_back(std::move(launch));
  return plan;
}

}  // namespace pt
