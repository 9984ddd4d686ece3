#include "ops/all_finite/plan_cuda.h"

#include "cuda/plans.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("guard", [](const CudaCall& call) { return plan_all_finite(call.in[0]); });

}  // namespace
}  // namespace pt::cuda
