#include "core/space_plan.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/space_plan.h"
#include "ops/check_true/cuda_desc.h"

namespace pt::cuda {
namespace {

constexpr int64_t kThreads = 256;
constexpr int64_t kMostBlocks = 1024;  // each ends with a vote

LaunchPlan plan(const Operand& in) {
  LaunchPlan plan;
  const int64_t elements = count(in.shape);
  if (elements == 0) return plan;
  const CheckTrue params{axes_of(make_space(in.shape, in.strides, size_of(in.dtype), 0, in.shape.size()))};
  plan.launches.push_back(cuda_launch("check_true",
                                      {.grid = {blocks_for(elements, kThreads, kMostBlocks)}, .block = {kThreads}},
                                      params, 1, static_cast<double>(elements)));
  return plan;
}

const bool planned = on_cuda("check_true", [](const CudaCall& call) { return plan(call.in[0]); });

}  // namespace
}  // namespace pt::cuda
