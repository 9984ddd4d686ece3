// Plans of both poolings for CUDA.
#pragma once
#include <string>

#include "cuda/plans.h"
#include "ops/max_pool2d/plan.h"

namespace pt::cuda {

// The launch of kernel + "_" + dtype: an image of shape x and its windows' results of shape y, of which `written` is
// the one that the launch writes.
LaunchPlan plan_pooling(const std::string& kernel, DType dtype, const Shape& x, const Shape& y, const Shape& written,
                        const PoolParams& params, bool count_padding, int operands);

}  // namespace pt::cuda
