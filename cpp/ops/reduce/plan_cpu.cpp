// Reductions as the CPU runs them: how the columns of a stage are divided among threads.
#include <algorithm>
#include <bit>

#include "ops/axes.h"
#include "ops/reduce/plan.h"
#include "ops/reduce/stages.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 1 << 16;  // about 20 us
constexpr int64_t kStrip = 1024;             // columns whose accumulators stay in the L1 cache
constexpr int64_t kLeastStrip = 64;          // and that are worth a chunk: four lines of each row
constexpr int64_t kEnoughChunks = 16;
constexpr int64_t kTurnedStrip = 64;  // rows whose lanes stay in the L1 cache, in whole lines

class CpuStages final : public ReduceStages {
 public:
  CpuStages(ReduceKind kind, const Operand& in, const std::vector<int>& axes, const Operand& out,
            const PlanContext& context)
      : ReduceStages(kind, in, axes, out), context_(context) {}

 private:
  LaunchPlan plan_rows(const FusedProgram& program) const override { return lower_fused(program, context_.threads); }
  LaunchPlan plan_copy(const Operand& in, const Operand& out) const override {
    FusedProgram program;
    program.extents = in.shape;
    program.operands = {{in.dtype, in.strides}, {out.dtype, out.strides}};
    program.inputs = 1;
    add_step(program, {.kind = StepKind::Load, .op = {}, .dtype = register_of(in.dtype), .operand = 0});
    add_step(program, {.kind = StepKind::Store, .op = {}, .dtype = register_of(in.dtype), .operand = 1});
    return lower_fused(program);
  }

  void divide(ReduceDesc& d) const {
    d.strip = strip_of(d);
    d.part = d.n_reduced;
    d.parts = 1;
    const int64_t work = std::max<int64_t>(d.n_reduced * d.strip, 1);
    d.outer_per_chunk = std::clamp<int64_t>(kChunkElements / work, 1, d.n_outer);
  }

  // Columns of a chunk. Where there are no other chunks, and too few rows to cut them, each thread takes some: as many
  // as there are, since pieces of rows that are far apart come slowly from memory.
  int64_t strip_of(const ReduceDesc& d) const {
    if (d.n_outer > 1 || d.n_reduced >= 2 * kColumnGroup) return std::min(d.inner, kStrip);
    const int64_t most = std::max<int64_t>(1, std::min(d.inner / kLeastStrip, d.n_reduced * d.inner / kChunkElements));
    const int64_t threads = std::min(most, context_.threads);
    const int64_t strips = ceil_div(ceil_div(d.inner, kStrip), threads) * threads;
    return std::min(d.inner, ceil_div(ceil_div(d.inner, strips), kFusedLanes) * kFusedLanes);
  }

  Launch launch_of(const ReduceDesc& d, int variant, int64_t chunks) const {
    Launch launch;
    launch.kernel = "reduce";
    launch.variant = variant;
    launch.desc = Descriptor::of(d);
    launch.chunks = chunks;
    launch.flops = double(d.n_outer) * double(d.n_reduced) * double(d.inner);
    launch.bytes = launch.flops * double(size_of(stage_input().dtype));
    return launch;
  }

  LaunchPlan plan_columns(ReduceDesc d) const override {
    divide(d);
    const int64_t strips = ceil_div(d.inner, d.strip);
    int64_t chunks = ceil_div(d.n_outer, d.outer_per_chunk) * strips;
    LaunchPlan inner;
    if (chunks < kEnoughChunks && d.n_reduced >= 2 * kColumnGroup) {
      d.part = ceil_div(kChunkElements, kColumnGroup * d.strip) * kColumnGroup;
      d.parts = ceil_div(d.n_reduced, d.part);
      inner.workspace_bytes = d.parts * d.n_outer * d.inner * 8 * (d.part / kColumnGroup);
    }
    // Accumulators of a chain, a group and the whole, and a few rows that had to be converted.
    const int64_t scratch = (3 + 8) * ceil_div(d.strip, kFusedLanes) * kFusedLanes * 8;
    inner.launches.push_back(launch_of(d, 0, chunks * d.parts));
    inner.launches.back().scratch_bytes = scratch;
    if (d.parts > 1) {
      inner.launches.push_back(launch_of(d, 1, ceil_div(d.n_outer * d.inner, kCombineColumns)));
      inner.launches.back().flops = inner.launches.back().bytes = double(inner.workspace_bytes);
    }
    return inner;
  }

  // Rows of which there are too few for the threads are divided by a row program.
  bool too_few(const ReduceDesc& d, int64_t chunks) const {
    return chunks < context_.threads && d.n_outer * d.inner * d.n_reduced > kChunkElements;
  }

  LaunchPlan plan_turned(ReduceDesc d) const override {
    d.strip = std::min(d.inner, kTurnedStrip);
    d.part = d.n_reduced;
    d.parts = 1;
    d.outer_per_chunk = std::clamp<int64_t>(kChunkElements / std::max<int64_t>(d.n_reduced * d.strip, 1), 1, d.n_outer);
    const int64_t chunks = ceil_div(d.n_outer, d.outer_per_chunk) * ceil_div(d.inner, d.strip);
    LaunchPlan inner;
    if (d.n_reduced == 0 || too_few(d, chunks)) return inner;
    // The lanes, a row that had to be converted, and the results of blocks.
    const int64_t blocks = ceil_div(d.n_reduced, kSumBlock);
    const int64_t kept = kSumLanes + 1 + std::bit_width(uint64_t(blocks));
    inner.launches.push_back(launch_of(d, 3, chunks));
    inner.launches.back().scratch_bytes = kept * ceil_div(d.strip, kFusedLanes) * kFusedLanes * 8;
    return inner;
  }

  LaunchPlan plan_truths(ReduceDesc d) const override {
    divide(d);
    const int64_t chunks = ceil_div(d.n_outer, d.outer_per_chunk);
    LaunchPlan inner;
    if (!too_few(d, chunks)) inner.launches.push_back(launch_of(d, 4, chunks));
    return inner;
  }

  LaunchPlan plan_positions(ReduceDesc d) const override {
    divide(d);
    LaunchPlan inner;
    inner.launches.push_back(launch_of(d, 2, ceil_div(d.n_outer, d.outer_per_chunk) * ceil_div(d.inner, d.strip)));
    inner.launches.back().scratch_bytes = ceil_div(d.strip, kFusedLanes) * kFusedLanes * 16 + 1024 * 8;
    return inner;
  }

  const PlanContext& context_;
};

}  // namespace

LaunchPlan plan_reduce(ReduceKind kind, const Operand& in, const std::vector<int>& axes, const Operand& out,
                       const PlanContext& context) {
  return CpuStages(kind, in, axes, out, context).plan();
}

OpPlan reducing(ReduceKind kind) {
  return {.plan = [kind](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                         const PlanContext& context) {
    std::vector<int> axes;
    for (int64_t axis : reduced_axes(attrs, in[0].shape.size(), "reduce")) axes.push_back(static_cast<int>(axis));
    return plan_reduce(kind, in[0], axes, out[0], context);
  }};
}

}  // namespace pt
