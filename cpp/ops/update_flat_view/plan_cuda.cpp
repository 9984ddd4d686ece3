#include "ops/copy/plan_cuda.h"

#include "cuda/plans.h"
#include "ops/update_flat_view/plan.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("update_flat_view", [](const CudaCall& call) {
  return plan_update_flat_view(call.in, call.out[0], call.attrs, plan_copy);
});

}  // namespace
}  // namespace pt::cuda
