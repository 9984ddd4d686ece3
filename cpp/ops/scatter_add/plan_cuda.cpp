#include "ops/scatter_add/plan_cuda.h"

#include <bit>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/space_plan.h"
#include "ops/fill/plan_cuda.h"
#include "ops/scatter_add/cuda_desc.h"
#include "ops/scatter_add/layout.h"
#include "ops/sort/plan_cuda.h"

namespace pt::cuda {
namespace {

constexpr int64_t kThreads = 256;
// A thread that takes a line goes from source to source. Where many do so together or none for long, it costs less than
// to sort.
constexpr int64_t kManyLines = 8192;
constexpr int64_t kFewSources = 32;

Geometry each(int64_t elements) { return {.grid = {blocks_for(elements, kThreads)}, .block = {kThreads}}; }

void append(LaunchPlan& plan, Launch launch, std::vector<int> operands, std::vector<int64_t> offsets) {
  launch.operands = std::move(operands);
  launch.byte_offsets = std::move(offsets);
  plan.launches.push_back(std::move(launch));
}

int bits_of(int64_t largest) { return static_cast<int>(std::bit_width(static_cast<uint64_t>(largest))); }

void append_fill(LaunchPlan& plan, const Operand& out, double value) {
  for (Launch& launch : plan_fill(out, value).launches) append(plan, std::move(launch), {2}, {0});
}

}  // namespace

LaunchPlan plan_scatter_add(const Operand& index, const Operand& updates, const Operand& out, int axis,
                            bool accumulate) {
  LaunchPlan plan;
  const int64_t elements = count(out.shape);
  if (elements == 0) return plan;
  summed_as(updates.dtype, "scatter_add");
  const ScatterAddDesc d = describe_scatter(index, updates, out, axis, accumulate);
  const int64_t n = d.index.count;
  if (n == 0) {
    if (!accumulate) append_fill(plan, out, 0);
    return plan;
  }
  SortPlaces places = reserve_sort(plan, 1, n);
  const int64_t starts = plan.workspace_bytes;
  plan.workspace_bytes += round_up((d.axis_size + 1) * 8, 256);
  const ScatterKeys keys{axes_of(d.index), d.axis_size, d.wide_index};
  append(plan, cuda_launch("scatter_keys", each(n), keys, 2, 24.0 * static_cast<double>(n)), {0, -1},
         {0, places.entries});
  append_sort(plan, places, 1, n, 0, bits_of(d.axis_size));
  append(plan,
         cuda_launch("scatter_starts", each(d.axis_size + 1), ScatterStarts{n, d.axis_size}, 2,
                     8.0 * static_cast<double>(d.axis_size)),
         {-1, -1}, {places.entries, starts});
  ScatterRows rows{};
  rows.index = keys.index;
  rows.outer = axes_of(d.outer);
  rows.inner = axes_of(d.inner);
  rows.width = divisor(d.inner.count, elements);
  rows.rows = divisor(d.axis_size, elements);
  rows.elements = elements;
  rows.storage = static_cast<FusedStorage>(updates.dtype);
  rows.accumulate = accumulate;
  const double sums = static_cast<double>(accumulate ? 0 : elements);
  append(plan,
         cuda_launch("scatter_rows", each(elements), rows, 4,
                     (static_cast<double>(count(updates.shape)) + sums) * static_cast<double>(size_of(updates.dtype))),
         {1, 2, -1, -1}, {0, 0, starts, places.entries});
  return plan;
}

LaunchPlan plan_put_along(const Operand& index, const Operand& updates, const Operand& out, int axis,
                          const PutJoin& join) {
  LaunchPlan plan;
  const int64_t elements = count(out.shape), n = count(updates.shape);
  if (elements == 0) return plan;
  append_fill(plan, out, join.empty);
  if (n == 0) return plan;
  const PutAlongDesc d = describe_put_axes(index, updates, out, axis);
  const int64_t lines = d.outer.count * d.inner.count;
  const auto storage = static_cast<FusedStorage>(updates.dtype);
  const double bytes = static_cast<double>(n) * static_cast<double>(3 * size_of(updates.dtype) + size_of(index.dtype));
  const bool by_lines = d.sources == 1 || (!join.rounds_once && (lines >= kManyLines || d.sources <= kFewSources));
  if (by_lines) {
    const PutLines params{axes_of(d.outer),
                          axes_of(d.inner),
                          divisor(d.inner.count, lines),
                          lines,
                          d.sources,
                          d.axis_size,
                          d.index_stride,
                          d.update_stride,
                          storage,
                          d.wide_index};
    append(plan, cuda_launch(join.lines, each(lines), params, 3, bytes), {0, 1, 2}, {});
    return plan;
  }
  SortPlaces places = reserve_sort(plan, 1, n);
  const Axes all = axes_of(make_space(updates.shape, index.strides, size_of(index.dtype), updates.strides,
                                      size_of(updates.dtype), 0, updates.shape.size()));
  const PutKeys keys{all, divisor(d.inner.count, n), divisor(d.sources, n), d.axis_size, elements, d.wide_index};
  append(plan, cuda_launch("put_keys", each(n), keys, 2, 24.0 * static_cast<double>(n)), {0, -1}, {0, places.entries});
  append_sort(plan, places, 1, n, 0, bits_of(elements));
  append(plan, cuda_launch(join.sorted, each(n), PutSorted{all, elements, storage}, 3, bytes), {-1, 1, 2},
         {places.entries, 0, 0});
  return plan;
}

namespace {

const bool planned = on_cuda("scatter_add", [](const CudaCall& call) {
  const int axis = normal_axis(call.attrs.integer("axis"), call.out[0].shape.size(), "scatter_add");
  return plan_scatter_add(call.in[0], call.in[1], call.out[0], axis, false);
});

}  // namespace

}  // namespace pt::cuda
