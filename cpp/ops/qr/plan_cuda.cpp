#include "ops/factor/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("qr", [](const CudaCall& call) { return plan_factor(FactorKind::Qr, call); });

}  // namespace
}  // namespace pt::cuda
