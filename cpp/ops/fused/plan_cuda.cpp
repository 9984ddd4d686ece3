// Plans of fused programs for CUDA.
#include "core/error.h"
#include "cuda/plans.h"
#include "ops/fused/cuda_lower.h"
#include "ops/fused/cuda_print.h"

namespace pt::cuda {

const PtdLimits& fused_limits() {
  static constexpr PtdLimits limits{.operands = 16,
                                    .members = 32,
                                    .few_rows = 64,
                                    .long_row = 16384,
                                    .rounds_halves = true,
                                    .casts_together = true,
                                    .saves_launches = true};
  return limits;
}

LaunchPlan plan_fused(const FusedProgram& program, int /*capability*/, int units, bool printed) {
  const fused::Ir ir = fused::analyse(program, true);
  fused::check_for_cuda(ir);
  if (ir.space.rows == 0 || (ir.space.cols == 0 && !ir.has_reduction)) return {};
  return printed && printed_kernels_allowed() ? fused::print(ir, units) : fused::interpret(ir, units);
}

}  // namespace pt::cuda
