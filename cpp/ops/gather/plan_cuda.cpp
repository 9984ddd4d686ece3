#include "ops/gather/plan_cuda.h"

#include "cuda/launch.h"
#include "cuda/space_plan.h"
#include "ops/gather/cuda_desc.h"
#include "ops/gather/layout.h"

namespace pt::cuda {
namespace {

constexpr int64_t kThreads = 256;

// The widest unit that divides a row and every step to another one.
int64_t row_unit(const GatherDesc& d) {
  int64_t unit = d.contiguous ? 16 : d.element_bytes;
  auto divides = [&] {
    bool all = d.inner.count * d.element_bytes % unit == 0 && d.axis_stride % unit == 0;
    for (int i = 0; i < d.outer.axes; ++i) all = all && d.outer.a[i] % unit == 0;
    return all;
  };
  while (unit > d.element_bytes && !divides()) unit /= 2;
  return unit;
}

}  // namespace

LaunchPlan plan_gather(const Operand& table, const Operand& index, const Operand& out, int axis) {
  LaunchPlan plan;
  const int64_t elements = count(out.shape);
  if (elements == 0) return plan;
  const GatherDesc d = describe_gather(table, index, axis);
  const int64_t unit = row_unit(d);
  Space inner = d.inner;
  if (unit > d.element_bytes) {
    inner.count = inner.extent[0] = d.inner.count * d.element_bytes / unit;
    inner.a[0] = unit;
  }
  GatherRows params{};
  params.outer = axes_of(d.outer);
  params.inner = axes_of(inner);
  params.index = axes_of(d.index);
  params.units = d.outer.count * d.index.count * inner.count;
  params.row_units = divisor(inner.count, params.units);
  params.indices = divisor(d.index.count, params.units);
  params.axis_size = d.axis_size;
  params.axis_stride = d.axis_stride;
  params.unit_bytes = static_cast<int32_t>(unit);
  params.wide_index = d.wide_index;
  plan.launches.push_back(cuda_launch("gather_rows",
                                      {.grid = {blocks_for(params.units, kThreads)}, .block = {kThreads}}, params, 3,
                                      2.0 * static_cast<double>(elements) * d.element_bytes));
  return plan;
}

LaunchPlan plan_take_along(const Operand& x, const Operand& index, const Operand& out, int axis) {
  LaunchPlan plan;
  const int64_t elements = count(out.shape);
  if (elements == 0) return plan;
  const TakeAlongDesc d = describe_take_along(x, index, out, axis);
  const TakeAlong params{axes_of(d.space), d.axis_size, d.axis_stride, d.element_bytes, d.wide_index};
  plan.launches.push_back(cuda_launch("take_along", {.grid = {blocks_for(elements, kThreads)}, .block = {kThreads}},
                                      params, 3, static_cast<double>(elements) * (2.0 * d.element_bytes + 8)));
  return plan;
}

}  // namespace pt::cuda
