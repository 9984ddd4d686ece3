// Reductions as a GPU runs them: the order in which elements are joined is the CPU's.
#include "ops/reduce/plan_cuda.h"

#include <algorithm>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/space_plan.h"
#include "ops/axes.h"
#include "ops/copy/plan_cuda.h"
#include "ops/reduce/cuda_desc.h"
#include "ops/reduce/stages.h"

namespace pt::cuda {
namespace {

constexpr int64_t kShortRow = 64;      // of fewer elements, neighbouring rows are searched by neighbouring threads
constexpr int64_t kLongRow = 1 << 15;  // of more, few rows are divided
constexpr int64_t kRowPart = 1 << 13;  // into such parts
constexpr int64_t kFewRows = 256;
constexpr int64_t kLongColumn = 256;  // of more elements, several threads search one
constexpr uint32_t kSearchers = 8;
constexpr int64_t kMuchForOne = 2048;  // elements of a multiprocessor, that are worth a second launch

Axes axes_from(const ReduceAxes& axes, int64_t elements, int64_t bytes) {
  Space space{};
  space.count = elements;
  for (int i = 0; i < axes.count; ++i) {
    space.extent[i] = axes.extent[i];
    space.a[i] = axes.stride[i] * bytes;
  }
  space.axes = axes.count;
  if (space.axes == 0) space.extent[space.axes++] = 1;
  return axes_of(space);
}

ReduceItems items_of(const ReduceDesc& d, int64_t bytes) {
  ReduceItems of{};
  of.items = d.n_outer * d.inner;
  of.n_reduced = d.n_reduced;
  of.outer = axes_from(d.outer, d.n_outer, bytes);
  of.reduced = axes_from(d.reduced, d.n_reduced, bytes);
  of.inner = divisor(d.inner, of.items);
  of.inner_stride = d.inner_stride * bytes;
  of.combine = d.combine;
  of.from = d.from;
  of.to = d.to;
  of.accumulator = d.accumulator;
  of.truth = d.truth != 0;
  return of;
}

class CudaStages final : public ReduceStages {
 public:
  CudaStages(ReduceKind kind, const std::vector<int>& axes, const CudaCall& call)
      : ReduceStages(kind, call.in[0], axes, call.out[0]), call_(call) {}

 private:
  LaunchPlan plan_rows(const FusedProgram& program) const override {
    return plan_fused(program, call_.capability, call_.units, call_.printed);
  }
  LaunchPlan plan_copy(const Operand& in, const Operand& out) const override { return cuda::plan_copy(in, out); }

  int64_t bytes() const { return static_cast<int64_t>(size_of(stage_input().dtype)); }
  template <class Params>
  Launch launch_of(const char* kernel, const Geometry& geometry, const Params& params, const ReduceDesc& d) const {
    const double elements = double(d.n_outer) * double(d.n_reduced) * double(d.inner);
    return cuda_launch(kernel, geometry, params, 3, elements * double(bytes()), elements);
  }

  LaunchPlan plan_columns(ReduceDesc d) const override {
    ReduceColumns params{};
    params.of = items_of(d, bytes());
    params.groups = std::max<int64_t>(ceil_div(d.n_reduced, kColumnGroup), 1);
    params.parts = params.groups, params.parts_of_group = 1;
    uint32_t chains = 1;
    while (chains < kGroupChains && chains * kColumnBlock < d.n_reduced) chains *= 2;
    // Few columns in wide blocks would leave multiprocessors without one.
    uint32_t width = std::max(32u, 256u / chains);
    const auto blocks = [&] { return ceil_div(params.of.items, int64_t{width}) * params.groups; };
    while (width > 32 && blocks() < call_.units) width /= 2;
    const int64_t elements = params.of.items * d.n_reduced;
    if (chains > 1 && 2 * blocks() < call_.units && elements >= kMuchForOne * call_.units)
      return plan_chains(d, params);
    LaunchPlan plan;
    plan.launches.push_back(launch_of(
        "reduce_columns",
        {.grid = {blocks_for(params.of.items, width), blocks_for(params.groups, 1)}, .block = {width, chains}}, params,
        d));
    if (params.groups > 1) append_joining(plan, params);
    return plan;
  }
  LaunchPlan plan_chains(const ReduceDesc& d, ReduceColumns params) const {
    params.parts = ceil_div(d.n_reduced, kColumnBlock), params.parts_of_group = kGroupChains;
    const uint32_t tiles = blocks_for(params.of.items, 32);
    uint32_t rows = 8;
    while (rows > 1 && tiles * ceil_div(params.parts, int64_t{rows}) < call_.units) rows /= 2;
    LaunchPlan plan;
    plan.launches.push_back(
        launch_of("reduce_chains", {.grid = {tiles, blocks_for(params.parts, rows)}, .block = {32, rows}}, params, d));
    append_joining(plan, params);
    return plan;
  }
  static void append_joining(LaunchPlan& plan, const ReduceColumns& params) {
    plan.workspace_bytes = params.parts * params.of.items * 8;
    const double partial = static_cast<double>(plan.workspace_bytes);
    plan.launches.push_back(cuda_launch(
        "reduce_groups", {.grid = {blocks_for(params.of.items, kPositionThreads)}, .block = {kPositionThreads}}, params,
        3, partial, partial));
  }

  LaunchPlan plan_positions(ReduceDesc d) const override {
    const ReduceItems of = items_of(d, bytes());
    return d.inner == 1 && d.n_reduced > kShortRow ? plan_row_positions(d, of) : plan_column_positions(d, of);
  }
  LaunchPlan plan_column_positions(const ReduceDesc& d, const ReduceItems& of) const {
    const uint32_t searchers = d.n_reduced > kLongColumn ? kSearchers : 1, width = kPositionThreads / searchers;
    LaunchPlan plan;
    plan.launches.push_back(launch_of("reduce_column_positions",
                                      {.grid = {blocks_for(of.items, width)}, .block = {width, searchers}},
                                      ReducePositions{of}, d));
    return plan;
  }
  LaunchPlan plan_row_positions(const ReduceDesc& d, const ReduceItems& of) const {
    const bool divided = d.n_reduced > kLongRow && d.n_outer < kFewRows;
    RowPositions params{of, divided ? kRowPart : d.n_reduced, {}};
    const int64_t parts = ceil_div(d.n_reduced, params.part);
    params.parts = divisor(parts, of.items * parts);
    LaunchPlan plan;
    plan.launches.push_back(launch_of(
        "reduce_row_positions", {.grid = {blocks_for(of.items * parts, 1)}, .block = {kPositionThreads}}, params, d));
    if (parts > 1) {
      plan.workspace_bytes = of.items * parts * 8;
      plan.launches.push_back(cuda_launch(
          "reduce_part_positions", {.grid = {blocks_for(of.items, kPositionThreads)}, .block = {kPositionThreads}},
          params, 3, static_cast<double>(plan.workspace_bytes)));
    }
    return plan;
  }

  const CudaCall& call_;
};

}  // namespace

CudaPlan reducing(ReduceKind kind) {
  return [kind](const CudaCall& call) {
    std::vector<int> axes;
    for (int64_t axis : reduced_axes(call.attrs, call.in[0].shape.size(), "reduce")) {
      axes.push_back(static_cast<int>(axis));
    }
    return CudaStages(kind, axes, call).plan();
  };
}

}  // namespace pt::cuda
