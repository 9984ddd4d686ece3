#include <algorithm>

#include "core/integers.h"
#include "ops/copy/layout.h"
#include "ops/copy/plan.h"
#include "ops/cpu_target.h"

namespace pt {
namespace {

constexpr int64_t kChunkBytes = 64 << 10;     // 10 to 20 us of work
constexpr int64_t kTransposedRowBytes = 256;  // four cache lines of the input: each is read once and used whole

// Complex numbers as pairs of real ones: the kernels move at most 8 bytes at a time.
Operand parts_of(const Operand& x) {
  Operand parts{part_dtype(x.dtype), x.shape, x.strides};
  for (int i = 0; i < parts.strides.size(); ++i) parts.strides[i] *= 2;
  parts.shape.push_back(2);
  parts.strides.push_back(1);
  return parts;
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

  CopyDesc d = describe_copy(in, out);
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
