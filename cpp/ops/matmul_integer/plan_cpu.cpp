#include <algorithm>

#include "core/integers.h"
#include "ops/cpu_target.h"
#include "ops/matmul_integer/desc.h"
#include "parallel/kernel_table.h"

namespace pt {
namespace {

constexpr int64_t kFewRows = 4;
constexpr int64_t kMostRows = 256;
// Few rows read b once: long runs of its rows. With more, what is packed stays in the second cache.
constexpr int64_t kLongCols = 1024, kShortDepth = 64;
constexpr int64_t kShortCols = 256, kLongDepth = 256;
constexpr int64_t kLineCols = 64;  // neighbours in a cache line
constexpr int64_t kChunksOfThread = 2;

int64_t rows_of(const Shape& shape) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  return rows;
}

int variant_of(bool left_signed, const PlanContext& context) {
  if (!multiplies_bytes(context.isa)) return kIntegerPairs;
  return left_signed ? kIntegerQuadsSigned : kIntegerQuads;
}

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs&, const PlanContext& context) {
  LaunchPlan plan;
  if (count(out[0].shape) == 0) return plan;
  MatmulIntegerDesc d{};
  d.rows = rows_of(in[0].shape), d.depth = in[1].shape[0], d.cols = in[1].shape[1];
  d.left_signed = in[0].dtype == DType::I8;
  const bool few = d.rows <= kFewRows;
  d.row_chunk = ceil_div(d.rows, ceil_div(d.rows, kMostRows));
  const int64_t share = round_up(ceil_div(d.cols, kChunksOfThread * context.threads), kLineCols);
  d.col_chunk = std::min(share, few ? kLongCols : kShortCols);
  d.depth_chunk = few ? kShortDepth : kLongDepth;
  d.col_chunks = ceil_div(d.cols, d.col_chunk);
  d.panels = round_up(kMostTileRows * (d.depth_chunk / 2 + 1) * 4, 64);
  Launch launch;
  launch.kernel = "matmul_integer";
  launch.variant = variant_of(d.left_signed, context);
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(d.rows, d.row_chunk) * d.col_chunks;
  launch.scratch_bytes = d.panels + round_up(d.col_chunk, kMostPanelWidth) * d.depth_chunk * kMostPackedBytes;
  const double rows = static_cast<double>(d.rows), cols = static_cast<double>(d.cols);
  const double depth = static_cast<double>(d.depth);
  launch.flops = 2 * rows * cols * depth;
  launch.bytes = rows * depth + depth * cols + 4 * rows * cols;
  plan.launches.push_back(std::move(launch));
  return plan;
}

const OpPlan* planned = on_cpu("matmul_integer", {.plan = plan});

}  // namespace
}  // namespace pt
