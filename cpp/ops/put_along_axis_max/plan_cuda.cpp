#include "ops/scatter_add/plan_cuda.h"

#include <cmath>
#include <limits>

#include "core/shape.h"
#include "cuda/plans.h"

namespace pt::cuda {
namespace {

// Below everything: minus infinity, or the smallest integer.
double lowest_of(DType dtype) {
  if (is_float(dtype)) return -std::numeric_limits<double>::infinity();
  if (dtype == DType::Bool || is_unsigned(dtype)) return 0;
  return -std::ldexp(1.0, static_cast<int>(8 * size_of(dtype)) - 1);
}

LaunchPlan plan(const CudaCall& call) {
  const int axis = normal_axis(call.attrs.integer("axis"), call.out[0].shape.size(), "put_along_axis_max");
  return plan_put_along(call.in[0], call.in[1], call.out[0], axis,
                        {"put_lines_max", "put_sorted_max", lowest_of(call.in[1].dtype), false});
}

const bool planned = on_cuda("put_along_axis_max", plan);

}  // namespace
}  // namespace pt::cuda
