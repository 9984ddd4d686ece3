#include "ops/all_finite/plan_cuda.h"

#include <algorithm>

#include "core/space_plan.h"
#include "cuda/launch.h"
#include "cuda/space_plan.h"
#include "ops/all_finite/cuda_desc.h"

namespace pt::cuda {
namespace {

constexpr int64_t kThreads = 256;
constexpr int64_t kMostBlocks = 4096;  // each ends with a vote

}  // namespace

LaunchPlan plan_all_finite(const Operand& in) {
  LaunchPlan plan;
  const int64_t elements = count(in.shape), bytes = static_cast<int64_t>(size_of(in.dtype));
  if (elements == 0 || !is_float(in.dtype)) return plan;
  AllFinite params{};
  params.units = units_of(make_space(in.shape, in.strides, size_of(in.dtype), 0, in.shape.size()), bytes);
  params.upper = in.dtype == DType::F64 ? 0x7ff00000u : in.dtype == DType::F16 ? 0x7c000000u : 0x7f800000u;
  params.lower = bytes == 2 ? params.upper >> 16 : 0;
  const int64_t threads = std::max(params.units.axes.elements, params.units.tail);
  plan.launches.push_back(cuda_launch("all_finite",
                                      {.grid = {blocks_for(threads, kThreads, kMostBlocks)}, .block = {kThreads}},
                                      params, 1, static_cast<double>(elements * bytes)));
  return plan;
}

}  // namespace pt::cuda
