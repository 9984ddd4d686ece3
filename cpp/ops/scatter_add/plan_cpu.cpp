#include <algorithm>

#include "core/integers.h"
#include "ops/axes.h"
#include "ops/cpu_target.h"
#include "ops/functional.h"
#include "ops/scatter_add/layout.h"
#include "ops/scatter_add/plan.h"

namespace pt {
namespace {

constexpr int64_t kChunkBytes = 64 << 10;
constexpr int64_t kLeastPiece = 64;  // elements: shorter ones share cache lines and pay for the walk over sources again
constexpr int64_t kFewChunks = 16;   // below this, long rows are divided
constexpr int64_t kLanes = 64;
constexpr int64_t kLargeBytes = 32 << 20;

// In the order of the kernel table: the sort, then for each dtype one scatter and one put.
constexpr int kSort = 0;
int variant_of(DType dtype, bool put, const char* where) {
  static constexpr DType kOrder[] = {DType::F32, DType::F64, DType::F16, DType::BF16, DType::I32,
                                     DType::I64, DType::U8,  DType::I8,  DType::I16};
  const auto* found = std::find(std::begin(kOrder), std::end(kOrder), summed_as(dtype, where));
  return 1 + 2 * static_cast<int>(found - std::begin(kOrder)) + (put ? 1 : 0);
}

void choose_chunks(ScatterAddDesc& d, int64_t bytes) {
  // A destination row costs its own bytes and those of its share of the sources.
  const double sources_per_row = static_cast<double>(d.index.count) / static_cast<double>(d.axis_size);
  const double row_bytes = static_cast<double>(d.inner.count * bytes) * (1 + sources_per_row) + 8;
  d.row_chunk = std::clamp<int64_t>(static_cast<int64_t>(kChunkBytes / row_bytes), 1, d.axis_size);
  d.row_chunks = ceil_div(d.axis_size, d.row_chunk);
  d.piece = d.inner.count;
  if (d.row_chunk == 1 && d.row_chunks * d.outer.count < kFewChunks) {
    d.piece =
        std::clamp<int64_t>(ceil_div(d.inner.count, kFewChunks), std::min(kLeastPiece, d.inner.count), d.inner.count);
  }
  d.piece = std::min(d.piece, kChunkBytes / bytes);
  d.piece_chunks = ceil_div(d.inner.count, d.piece);
}

}  // namespace

LaunchPlan plan_scatter_add(const Operand& index, const Operand& updates, const Operand& out, int axis,
                            bool accumulate) {
  LaunchPlan plan;
  if (count(out.shape) == 0) return plan;
  const std::size_t bytes = size_of(updates.dtype);
  ScatterAddDesc d = describe_scatter(index, updates, out, axis, accumulate);
  d.large = !accumulate && count(out.shape) * static_cast<int64_t>(bytes) >= kLargeBytes;
  choose_chunks(d, static_cast<int64_t>(bytes));

  Launch sort;
  sort.kernel = "scatter_add";
  sort.variant = kSort;
  sort.desc = Descriptor::of(d);
  sort.bytes = static_cast<double>(d.index.count) * 32 + static_cast<double>(d.axis_size) * 16;
  Launch add = sort;
  add.variant = variant_of(updates.dtype, false, "scatter_add");
  add.chunks = d.outer.count * d.row_chunks * d.piece_chunks;
  add.scratch_bytes = is_half(updates.dtype) ? d.piece * 4 : 0;
  const double sums = static_cast<double>(accumulate ? 0 : count(out.shape));
  add.bytes = (3.0 * static_cast<double>(count(updates.shape)) + sums) * static_cast<double>(bytes);
  plan.launches = {sort, add};
  // The start of each destination's sources, and the sources.
  plan.workspace_bytes = (d.axis_size + 2 + d.index.count) * 8;
  return plan;
}

Types put_along_shape(const InferContext& c) {
  c.expect(c.in[0].shape == c.in[1].shape && is_wide_index(c.in[0].dtype),
           text("index is ", c.in[0], ", updates is ", c.in[1],
                "; expected int32 or int64 indices of the shape of updates; broadcast one"));
  Shape shape = c.in[1].shape;
  shape[normal_axis(c.attrs.integer("axis"), shape.size(), c.op.name)] = c.attrs.integer("size");
  return {{c.in[1].dtype, shape}};
}

PutAlongDesc describe_put(const Operand& index, const Operand& updates, const Operand& out, int axis) {
  PutAlongDesc d = describe_put_axes(index, updates, out, axis);
  d.lanes = std::min(kLanes, d.inner.count);
  d.lane_chunks = ceil_div(d.inner.count, d.lanes);
  d.lines = d.outer.count * d.lane_chunks;
  const int64_t line_bytes = d.lanes * (d.axis_size + 2 * d.sources) * static_cast<int64_t>(size_of(updates.dtype));
  d.chunk = std::clamp<int64_t>(kChunkBytes / std::max<int64_t>(line_bytes, 1), 1, d.lines);
  return d;
}

int64_t put_chunks(const PutAlongDesc& d) { return ceil_div(d.lines, d.chunk); }

LaunchPlan plan_put_along(const Operand& index, const Operand& updates, const Operand& out, int axis) {
  LaunchPlan plan;
  if (count(out.shape) == 0) return plan;
  const std::size_t bytes = size_of(updates.dtype), index_bytes = size_of(index.dtype);
  const PutAlongDesc d = describe_put(index, updates, out, axis);
  Launch launch;
  launch.kernel = "scatter_add";
  launch.variant = variant_of(updates.dtype, true, "put_along");
  launch.desc = Descriptor::of(d);
  launch.chunks = put_chunks(d);
  launch.scratch_bytes = is_half(updates.dtype) ? d.lanes * d.axis_size * 4 : 0;
  launch.bytes = static_cast<double>(count(updates.shape) * (bytes + index_bytes) + count(out.shape) * bytes);
  plan.launches.push_back(std::move(launch));
  return plan;
}

namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  const int axis = normal_axis(attrs.integer("axis"), out[0].shape.size(), "scatter_add");
  return plan_scatter_add(in[0], in[1], out[0], axis, false);
}

const OpPlan* planned = on_cpu("scatter_add", {.plan = plan});

}  // namespace

}  // namespace pt
