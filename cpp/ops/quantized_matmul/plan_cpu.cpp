#include <algorithm>

#include "core/integers.h"
#include "ops/cpu_target.h"
#include "ops/quantized_matmul/desc.h"

namespace pt {
namespace {

constexpr int64_t kMostRows = 126;  // nine tiles of 14; a packed block of them takes 126 KiB
constexpr int64_t kMostCols = 512, kMostColsOfFew = 1024;
constexpr int64_t kLineCols = 64;  // codes in a cache line
constexpr int64_t kChunksOfThread = 2;

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                const PlanContext& context) {
  LaunchPlan plan;
  const int64_t elements = count(out[0].shape);
  if (elements == 0) return plan;
  QuantizedMatmulDesc d{};
  d.cols = in[1].shape[1], d.rows = elements / d.cols, d.depth = in[0].shape.back();
  d.group = attrs.has("group_size") ? attrs.integer("group_size") : std::max<int64_t>(d.depth, 1);
  const bool packed = in[1].dtype == DType::U8, few = d.rows <= kFewQuantizedRows;
  d.row_chunk = ceil_div(d.rows, ceil_div(d.rows, kMostRows));
  const int64_t share = round_up(ceil_div(d.cols, kChunksOfThread * context.threads), kLineCols);
  d.col_chunk = std::min(share, few ? kMostColsOfFew : kMostCols);
  d.col_chunks = ceil_div(d.cols, d.col_chunk);
  d.panel = few ? 0 : round_up(d.row_chunk + kMostQuantizedTileRows, 16) * kQuantizedBlock;
  d.sums = few ? 0 : d.panel + kMostQuantizedPanel * kQuantizedBlock;
  const int64_t sums = d.depth > kQuantizedGroup ? d.row_chunk * std::max(d.col_chunk, kQuantizedPiece) : 0;
  Launch launch;
  launch.kernel = "quantized_matmul";
  launch.variant = (few ? kQuantizedFew8 : kQuantized8) + (packed ? 1 : 0);
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(d.rows, d.row_chunk) * d.col_chunks;
  launch.scratch_bytes = (d.sums + sums) * static_cast<int64_t>(sizeof(float));
  const double rows = static_cast<double>(d.rows), cols = static_cast<double>(d.cols);
  launch.flops = 2 * rows * cols * static_cast<double>(d.depth);
  launch.bytes = 4 * rows * static_cast<double>(d.depth) + static_cast<double>(count(in[1].shape)) +
                 4 * static_cast<double>(count(in[2].shape)) + 4 * rows * cols;
  plan.launches.push_back(std::move(launch));
  return plan;
}

const OpPlan* planned = on_cpu("quantized_matmul", {.plan = plan});

}  // namespace
}  // namespace pt
