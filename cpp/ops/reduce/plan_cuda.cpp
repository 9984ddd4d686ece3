// Reductions as a GPU runs them: the order in which elements are joined is the CPU's.
#include "ops/reduce/plan_cuda.h"

#include <algorithm>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/space_plan.h"
#include "ops/axes.h"
#include "ops/copy/plan_cuda.h"
#include "ops/fused/plan_cuda_after.h"
#include "ops/reduce/cuda_desc.h"
#include "ops/reduce/stages.h"

namespace pt::cuda {
namespace {

constexpr int kWorkspace = -1;
constexpr int64_t kShortRow = 64;      // of fewer elements, neighbouring rows are searched by neighbouring threads
constexpr int64_t kLongRow = 1 << 15;  // of more, few rows are divided
constexpr int64_t kRowPart = 1 << 13;  // into such parts
constexpr int64_t kFewRows = 256;
constexpr int64_t kLongColumn = 256;  // of more elements, several threads search one
constexpr uint32_t kSearchers = 8;
constexpr int64_t kMostFollowed = 1 << 16;  // results that a program of the interpreter goes through
constexpr int64_t kMuchForOne = 2048;       // elements of a multiprocessor, that are worth a second launch

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
  CudaStages(ReduceKind kind, const std::vector<int>& axes, const Operand& out, const CudaCall& call)
      : ReduceStages(kind, call.in[0], axes, out), call_(call), result_(out.dtype) {}

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

  // How the columns are divided.
  struct Columns {
    ReduceColumns params{};
    bool by_chains = false;
    Geometry geometry{};
  };
  Columns divide_columns(const ReduceDesc& d) const {
    Columns made;
    ReduceColumns& params = made.params;
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
    made.by_chains = chains > 1 && 2 * blocks() < call_.units && elements >= kMuchForOne * call_.units;
    if (made.by_chains)
      divide_chains(d, made);
    else
      made.geometry = {.grid = {blocks_for(params.of.items, width), blocks_for(params.groups, 1)},
                       .block = {width, chains}};
    return made;
  }
  void divide_chains(const ReduceDesc& d, Columns& made) const {
    ReduceColumns& params = made.params;
    params.parts = ceil_div(d.n_reduced, kColumnBlock), params.parts_of_group = kGroupChains;
    const uint32_t tiles = blocks_for(params.of.items, 32);
    uint32_t rows = 8;
    while (rows > 1 && tiles * ceil_div(params.parts, int64_t{rows}) < call_.units) rows /= 2;
    made.geometry = {.grid = {tiles, blocks_for(params.parts, rows)}, .block = {32, rows}};
  }
  static int64_t bytes_of_parts(const ReduceColumns& params) {
    return params.parts > 1 ? params.parts * params.of.items * 8 : 0;
  }
  static Geometry joining(const ReduceColumns& params) {
    return {.grid = {blocks_for(params.of.items, kPositionThreads)}, .block = {kPositionThreads}};
  }

  Launch first_launch(const Columns& made, const ReduceDesc& d) const {
    return launch_of(made.by_chains ? "reduce_chains" : "reduce_columns", made.geometry, made.params, d);
  }

  LaunchPlan plan_columns(ReduceDesc d) const override {
    const Columns made = divide_columns(d);
    LaunchPlan plan;
    plan.launches.push_back(first_launch(made, d));
    plan.workspace_bytes = bytes_of_parts(made.params);
    if (plan.workspace_bytes > 0) {
      const double partial = static_cast<double>(plan.workspace_bytes);
      plan.launches.push_back(cuda_launch("reduce_groups", joining(made.params), made.params, 3, partial, partial));
    }
    return plan;
  }

  LaunchPlan plan_columns_then(ReduceDesc d, const FusedProgram& program) const override {
    const Columns made = divide_columns(d);
    const int64_t parts = bytes_of_parts(made.params), items = made.params.of.items;
    FusedProgram behind = program;
    behind.operands[0].dtype = result_;  // as a store rounds it
    Geometry last = parts > 0 ? joining(made.params) : made.geometry;
    AfterPlan after = plan_after(behind, last.block.x);
    last.shared_bytes = after.shared_bytes;
    const ReduceColumnsThen params{made.params, static_cast<int32_t>(program.operands.size()), after.program};
    LaunchPlan plan;
    plan.workspace_bytes = parts + items * static_cast<int64_t>(size_of(result_));
    double read = static_cast<double>(parts), flops = read;
    if (parts > 0) {
      plan.launches.push_back(first_launch(made, d));
      plan.launches.back().operands = {0, kWorkspace, kWorkspace};  // there is no result yet
    } else {
      flops = static_cast<double>(items) * static_cast<double>(d.n_reduced);
      read = flops * static_cast<double>(bytes());
    }
    plan.launches.push_back(cuda_launch(parts > 0 ? "reduce_groups_then" : "reduce_columns_then", last, params,
                                        kThenOperands, read + after.bytes, flops));
    Launch& launch = plan.launches.back();
    launch.operands = {kWorkspace};
    for (int i = 1; i < params.source; ++i) launch.operands.push_back(i);
    launch.operands.push_back(parts > 0 ? kWorkspace : 0);
    launch.byte_offsets.resize(launch.operands.size(), 0);
    launch.byte_offsets[0] = parts;  // the results lie behind the sums
    return plan;
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
  DType result_;
};

std::vector<int> axes_of_call(std::span<const Operand> in, const Attrs& attrs) {
  const Ints axes = reduced_axes(attrs, in[0].shape.size(), "reduce");
  return {axes.begin(), axes.end()};
}

bool takes(const CudaFollowed& call, std::string* why) {
  const auto refuse = [&](const std::string& reason) {
    *why = reason;
    return false;
  };
  const FusedProgram& program = call.program;
  if (!is_float(call.result.dtype))
    return refuse(text("a result of ", info(call.result.dtype).name, "; floats are expected"));
  if (count(call.result.shape) == 0 || count(call.result.shape) > kMostFollowed)
    return refuse(text(count(call.result.shape), " results; from 1 to ", kMostFollowed, " are expected"));
  const Shape wanted = call.result.shape.empty() ? Shape{1} : call.result.shape;
  if (program.extents != wanted)
    return refuse(
        text("the calls behind it run over ", program.extents, "; the result's shape ", wanted, " is expected"));
  return fits_after(program, why);
}

}  // namespace

CudaPlan reducing(ReduceKind kind) {
  return [kind](const CudaCall& call) {
    return CudaStages(kind, axes_of_call(call.in, call.attrs), call.out[0], call).plan();
  };
}

CudaEpilogue reducing_then(ReduceKind kind) {
  return {takes, [kind](const CudaFollowed& call) {
            return CudaStages(kind, axes_of_call(call.in, call.attrs), call.result, as_call(call)).plan(call.program);
          }};
}

}  // namespace pt::cuda
