#include "ops/factor/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned =
    on_cuda("eigenbasis", [](const CudaCall& call) { return plan_factor(FactorKind::Eigenbasis, call); });

}  // namespace
}  // namespace pt::cuda
