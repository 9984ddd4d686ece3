#include "ops/factor/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("eigh", [](const CudaCall& call) { return plan_factor(FactorKind::Eigh, call); });

}  // namespace
}  // namespace pt::cuda
