#include "ops/max_pool2d/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool forward = on_cuda("avg_pool2d", [](const CudaCall& call) {
  const Shape &x = call.in[0].shape, &y = call.out[0].shape;
  return plan_pooling("avg_pool2d", call.in[0].dtype, x, y, y, pool_params(call.attrs, "avg_pool2d"),
                      call.attrs.flag("count_include_pad"), 2);
});
const bool backward = on_cuda("avg_pool2d_backward", [](const CudaCall& call) {
  const Shape &dy = call.in[0].shape, &dx = call.out[0].shape;
  return plan_pooling("avg_pool2d_backward", call.in[0].dtype, dx, dy, dx,
                      pool_params(call.attrs, "avg_pool2d_backward"), call.attrs.flag("count_include_pad"), 2);
});

}  // namespace
}  // namespace pt::cuda
