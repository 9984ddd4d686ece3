#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/integers.h"
#include "ops/copy/desc.h"
#include "ops/copy/plan.h"
#include "ops/cpu_target.h"

namespace pt {
namespace {

constexpr int64_t kChunkBytes = 64 << 10;     // 10 to 20 us of work
constexpr int64_t kTransposedRowBytes = 256;  // four cache lines of the input: each is read once and used whole

struct Axis {
  int64_t extent, in, out;  // strides in bytes
};

struct Axes {
  std::array<Axis, kMaxDims> axis;
  int size = 0;
  void erase(int at) {
    std::copy(axis.begin() + at + 1, axis.begin() + size, axis.begin() + at);
    --size;
  }
};

// The axes in the order of the output's memory, neighbours merged where both sides allow it.
Axes merged_axes(const Operand& in, const Operand& out) {
  const int64_t bytes = static_cast<int64_t>(size_of(in.dtype));
  Axes all;
  for (int i = 0; i < in.shape.size(); ++i) {
    if (in.shape[i] != 1) all.axis[all.size++] = {in.shape[i], in.strides[i] * bytes, out.strides[i] * bytes};
  }
  std::stable_sort(all.axis.begin(), all.axis.begin() + all.size,
                   [](const Axis& a, const Axis& b) { return std::abs(a.out) > std::abs(b.out); });
  Axes merged;
  for (int i = 0; i < all.size; ++i) {
    const Axis& inner = all.axis[i];
    Axis* outer = merged.size ? &merged.axis[merged.size - 1] : nullptr;
    if (outer && outer->in == inner.in * inner.extent && outer->out == inner.out * inner.extent) {
      *outer = {outer->extent * inner.extent, inner.in, inner.out};
    } else {
      merged.axis[merged.size++] = inner;
    }
  }
  return merged;
}

// Complex numbers as pairs of real ones: the kernels move at most 8 bytes at a time.
Operand parts_of(const Operand& x) {
  Operand parts{part_dtype(x.dtype), x.shape, x.strides};
  for (int i = 0; i < parts.strides.size(); ++i) parts.strides[i] *= 2;
  parts.shape.push_back(2);
  parts.strides.push_back(1);
  return parts;
}

Axis take_axis(Axes& axes, int at) {
  if (at < 0) return {1, 0, 0};
  const Axis taken = axes.axis[at];
  axes.erase(at);
  return taken;
}

// The axis along which the input's elements are closest together.
int closest_in_input(const Axes& axes) {
  int best = axes.size - 1;
  for (int i = axes.size - 2; i >= 0; --i) {
    if (std::abs(axes.axis[i].in) < std::abs(axes.axis[best].in)) best = i;
  }
  return best;
}

void choose_chunks(CopyDesc& d) {
  const int64_t elements = std::max<int64_t>(1, kChunkBytes / d.element_bytes);
  if (d.method == CopyMethod::Transpose) {
    d.row_chunk = std::min(d.rows, kTransposedRowBytes / d.element_bytes);
    d.col_chunk = std::min(d.cols, ceil_div(elements, d.row_chunk));
  } else {
    d.col_chunk = std::min(d.cols, elements);
    d.row_chunk = std::min(d.rows, elements / d.col_chunk);
  }
  d.row_chunks = ceil_div(d.rows, d.row_chunk);
  d.col_chunks = ceil_div(d.cols, d.col_chunk);
  d.plane_chunk = std::clamp<int64_t>(elements / (d.row_chunk * d.col_chunk), 1, d.planes);
}

}  // namespace

LaunchPlan plan_copy(const Operand& in, const Operand& out) {
  if (size_of(in.dtype) > 8) return plan_copy(parts_of(in), parts_of(out));
  LaunchPlan plan;
  const int64_t elements = count(in.shape);
  if (elements == 0) return plan;

  Axes axes = merged_axes(in, out);
  const Axis cols = take_axis(axes, axes.size - 1);
  CopyDesc d{};
  d.element_bytes = static_cast<int32_t>(size_of(in.dtype));
  const bool dense_out = cols.out == d.element_bytes || cols.extent == 1;
  const bool by_rows = dense_out && (cols.in == d.element_bytes || cols.extent == 1);
  const Axis rows = take_axis(axes, by_rows ? axes.size - 1 : closest_in_input(axes));
  d.method = by_rows                                   ? CopyMethod::Rows
             : dense_out && cols.in == 0               ? CopyMethod::Fill
             : dense_out && rows.in == d.element_bytes ? CopyMethod::Transpose
                                                       : CopyMethod::Strided;
  d.rows = rows.extent, d.row_in = rows.in, d.row_out = rows.out;
  d.cols = cols.extent, d.col_in = cols.in, d.col_out = cols.out;
  d.plane_axes = axes.size;
  d.planes = 1;
  for (int i = 0; i < axes.size; ++i) {
    d.plane_extent[i] = axes.axis[i].extent;
    d.plane_in[i] = axes.axis[i].in;
    d.plane_out[i] = axes.axis[i].out;
    d.planes *= axes.axis[i].extent;
  }
  choose_chunks(d);

  Launch launch;
  launch.kernel = "copy";
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(d.planes, d.plane_chunk) * d.row_chunks * d.col_chunks;
  launch.bytes = 2.0 * static_cast<double>(elements) * d.element_bytes;
  plan.launches.push_back(std::move(launch));
  return plan;
}

namespace {

const OpPlan* planned =
    on_cpu("copy", {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs&,
                               const PlanContext&) { return plan_copy(in[0], out[0]); }});

}  // namespace

}  // namespace pt
