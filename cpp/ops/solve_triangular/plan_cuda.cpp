#include "ops/factor/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("solve_triangular", [](const CudaCall& call) {
  return plan_factor(FactorKind::TriangularSolve, call, solve_options(call.attrs));
});

}  // namespace
}  // namespace pt::cuda
