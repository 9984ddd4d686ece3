#include "ops/scatter_add/plan_cuda.h"

#include "core/shape.h"
#include "cuda/plans.h"
#include "ops/scatter_add/layout.h"

namespace pt::cuda {
namespace {

LaunchPlan plan(const CudaCall& call) {
  const int axis = normal_axis(call.attrs.integer("axis"), call.out[0].shape.size(), "put_along_axis");
  const DType dtype = summed_as(call.in[1].dtype, "put_along");
  const bool half = dtype == DType::F16 || dtype == DType::BF16;
  return plan_put_along(call.in[0], call.in[1], call.out[0], axis, {"put_lines_sum", "put_sorted_sum", 0, half});
}

const bool planned = on_cuda("put_along_axis", plan);

}  // namespace
}  // namespace pt::cuda
