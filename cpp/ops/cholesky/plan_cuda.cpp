#include "ops/factor/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("cholesky", [](const CudaCall& call) {
  return plan_factor(FactorKind::Cholesky, call, cholesky_options(call.attrs));
});

}  // namespace
}  // namespace pt::cuda
