#include <algorithm>

#include "core/integers.h"
#include "ops/scan/layout.h"
#include "ops/scan/running.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 8192;

}  // namespace

LaunchPlan plan_scan(ScanKind kind, const Operand& x, const Operand& out, int axis, bool reverse, bool initial) {
  LaunchPlan plan;
  if (count(out.shape) == 0) return plan;
  const std::size_t bytes = size_of(x.dtype), out_bytes = size_of(out.dtype);
  ScanDesc d = describe_scan(kind, x, out, axis, reverse, initial);
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
