#include "ops/gather/plan_cuda.h"

#include "core/shape.h"
#include "cuda/plans.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("take_along_axis", [](const CudaCall& call) {
  const int axis = normal_axis(call.attrs.integer("axis"), call.in[0].shape.size(), "take_along_axis");
  return plan_take_along(call.in[0], call.in[1], call.out[0], axis);
});

}  // namespace
}  // namespace pt::cuda
