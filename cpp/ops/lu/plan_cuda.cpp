#include "ops/factor/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("lu", [](const CudaCall& call) { return plan_factor(FactorKind::Lu, call); });

}  // namespace
}  // namespace pt::cuda
