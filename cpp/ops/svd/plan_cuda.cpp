#include "ops/factor/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("svd_tall", [](const CudaCall& call) { return plan_factor(FactorKind::Svd, call); });

}  // namespace
}  // namespace pt::cuda
