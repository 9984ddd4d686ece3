#include "ops/fill/plan_cuda.h"

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/space_plan.h"
#include "ops/put_rows/cuda_desc.h"

namespace pt::cuda {
namespace {

constexpr int64_t kThreads = 256;

LaunchPlan plan(std::span<const Operand> in, const Operand& out) {
  LaunchPlan plan;
  const int64_t sources = count(in[1].shape);
  if (sources == 0) return plan;
  const auto bytes = static_cast<int64_t>(size_of(out.dtype));
  const int64_t row_bytes = count(out.shape) / out.shape[0] * bytes;
  int64_t unit = 16;
  while (unit > bytes && row_bytes % unit != 0) unit /= 2;
  PutRows params{};
  params.axis_size = out.shape[0];
  params.sources = sources;
  params.units = sources * (row_bytes / unit);
  params.row_units = divisor(row_bytes / unit, params.units);
  params.unit_bytes = static_cast<int32_t>(unit);
  params.wide_index = in[1].dtype == DType::I64;
  // The last source of each row, none at first.
  plan.workspace_bytes = round_up(params.axis_size * 8, 256);
  for (Launch& launch : fill_pieces({{0, params.axis_size * 8}}, 0, 8)) {
    launch.operands = {-1};
    plan.launches.push_back(std::move(launch));
  }
  Launch enter = cuda_launch("put_rows_enter", {.grid = {blocks_for(sources, kThreads)}, .block = {kThreads}}, params,
                             2, 16.0 * static_cast<double>(sources));
  enter.operands = {1, -1};
  plan.launches.push_back(std::move(enter));
  Launch write = cuda_launch("put_rows_write", {.grid = {blocks_for(params.units, kThreads)}, .block = {kThreads}},
                             params, 4, 2.0 * static_cast<double>(sources * row_bytes));
  write.operands = {1, 2, -1, 3};
  plan.launches.push_back(std::move(write));
  return plan;
}

const bool planned = on_cuda("put_rows", [](const CudaCall& call) { return plan(call.in, call.out[0]); });

}  // namespace
}  // namespace pt::cuda
