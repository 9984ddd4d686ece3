#include "core/space_plan.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/space_plan.h"
#include "ops/check_index/cuda_desc.h"

namespace pt::cuda {
namespace {

constexpr int64_t kThreads = 256;
constexpr int64_t kMostBlocks = 1024;  // each ends with a vote

LaunchPlan plan(const Operand& in, int64_t axis_size) {
  LaunchPlan plan;
  const int64_t elements = count(in.shape);
  if (elements == 0) return plan;
  CheckIndex params{};
  params.axes = axes_of(make_space(in.shape, in.strides, size_of(in.dtype), 0, in.shape.size()));
  params.axis_size = axis_size;
  params.wide_index = in.dtype == DType::I64;
  plan.launches.push_back(
      cuda_launch("check_index", {.grid = {blocks_for(elements, kThreads, kMostBlocks)}, .block = {kThreads}}, params,
                  1, static_cast<double>(elements) * static_cast<double>(size_of(in.dtype))));
  return plan;
}

const bool planned =
    on_cuda("check_index", [](const CudaCall& call) { return plan(call.in[0], call.attrs.integer("size")); });

}  // namespace
}  // namespace pt::cuda
