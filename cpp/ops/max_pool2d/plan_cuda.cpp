#include "ops/max_pool2d/plan_cuda.h"

#include "cuda/launch.h"
#include "cuda/space_plan.h"
#include "ops/max_pool2d/cuda_desc.h"

namespace pt::cuda {

LaunchPlan plan_pooling(const std::string& kernel, DType dtype, const Shape& x, const Shape& y, const Shape& written,
                        const PoolParams& params, bool count_padding, int operands) {
  LaunchPlan plan;
  PoolProblem p = {};
  p.pool = describe_pool(x, y, params);
  p.pool.count_padding = count_padding;
  p.elements = count(written);
  if (p.elements == 0) return plan;
  const auto extent = [&](int axis) { return divisor(written[axis], p.elements); };
  p.height = extent(1), p.width = extent(2), p.channels = extent(3);
  const Geometry geometry{.grid = blocks_for(p.elements, 256), .block = 256};
  const double bytes = static_cast<double>((count(x) + count(y)) * static_cast<int64_t>(size_of(dtype)));
  plan.launches.push_back(cuda_launch(kernel + "_" + std::string(info(dtype).brief), geometry, p, operands, bytes,
                                      static_cast<double>(count(y) * params.window_h * params.window_w)));
  return plan;
}

namespace {

const bool forward = on_cuda("max_pool2d_with_index", [](const CudaCall& call) {
  const Shape &x = call.in[0].shape, &y = call.out[0].shape;
  return plan_pooling("max_pool2d", call.in[0].dtype, x, y, y, pool_params(call.attrs, "max_pool2d"), false, 3);
});
const bool backward = on_cuda("max_pool2d_backward", [](const CudaCall& call) {
  const Shape &dy = call.in[0].shape, &dx = call.out[0].shape;
  return plan_pooling("max_pool2d_backward", call.in[0].dtype, dx, dy, dx,
                      pool_params(call.attrs, "max_pool2d_backward"), false, 3);
});

}  // namespace
}  // namespace pt::cuda
