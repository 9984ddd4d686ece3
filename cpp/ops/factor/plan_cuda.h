#pragma once
#include "cuda/plans.h"
#include "ops/factor/plan.h"

namespace pt::cuda {

LaunchPlan plan_factor(FactorKind kind, const CudaCall& call, FactorOptions options = {});

}  // namespace pt::cuda
