#include "ops/copy/plan_cuda.h"

#include "cuda/plans.h"
#include "ops/fill/plan_cuda.h"
#include "ops/slice_scatter/plan.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("slice_scatter", [](const CudaCall& call) {
  return plan_slice_scatter(call.in[0], call.out[0], call.attrs, plan_copy, plan_fill);
});

}  // namespace
}  // namespace pt::cuda
