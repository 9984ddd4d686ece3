#include <algorithm>

#include "core/space_plan.h"
#include "ops/scan/running.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 8192;

FusedStorage storage_of(DType dtype) { return static_cast<FusedStorage>(dtype); }

}  // namespace

LaunchPlan plan_scan(ScanKind kind, const Operand& x, const Operand& out, int axis, bool reverse, bool initial) {
  LaunchPlan plan;
  if (count(out.shape) == 0) return plan;
  const std::size_t bytes = size_of(x.dtype), out_bytes = size_of(out.dtype);
  Shape others = x.shape;
  Strides from = x.strides, to = out.strides;
  ScanDesc d{};
  d.n = x.shape[axis];
  d.stride = x.strides[axis] * static_cast<int64_t>(bytes);
  d.out_stride = out.strides[axis] * static_cast<int64_t>(out_bytes);
  others.erase(axis);
  from.erase(axis);
  to.erase(axis);
  d.lines = make_space(others, from, bytes, to, out_bytes, 0, others.size());
  d.from = storage_of(x.dtype);
  d.to = storage_of(out.dtype);
  d.kind = kind;
  d.reverse = reverse;
  d.initial = initial;
  const int last = d.lines.axes - 1;
  const bool neighbours = last >= 0 && d.lines.a[last] == static_cast<int64_t>(bytes);
  const int64_t lines = std::max<int64_t>(kChunkElements / std::max<int64_t>(d.n, 1), 1);
  d.chunk = neighbours ? round_up(lines, kSideBySide) : lines;
  d.chunk = std::min(d.chunk, d.lines.count);

  Launch launch;
  launch.kernel = "scan";
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(d.lines.count, d.chunk);
  launch.flops = static_cast<double>(count(out.shape)) * 4;  // each waits for the one before
  launch.bytes = static_cast<double>(count(x.shape) * bytes + count(out.shape) * out_bytes);
  plan.launches.push_back(std::move(launch));
  return plan;
}

OpPlan running_plan(ScanKind kind) {
  return {.plan = [kind](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                         const PlanContext&) {
    const int axis = running_axis(attrs, in[0].shape, "scan");
    return plan_scan(kind, in[0], out[0], axis, attrs.flag("reverse"), attrs.flag("include_initial"));
  }};
}

OpPlan running_place_plan(ScanKind kind) {
  return {.plan = [kind](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                         const PlanContext&) {
    return plan_scan(kind, in[0], out[0], running_axis(attrs, in[0].shape, "scan"), false, false);
  }};
}

}  // namespace pt
