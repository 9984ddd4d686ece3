#include "cuda/launch.h"
#include "cuda/plans.h"
#include "ops/adam_step/plan.h"

namespace pt::cuda {
namespace {

LaunchPlan plan(const CudaCall& call) {
  LaunchPlan all;
  const Operand& p = call.in[kP];
  const AdamDesc d = describe_adam(call.in, call.attrs);
  if (d.elements == 0) return all;
  const int64_t bytes = d.elements * static_cast<int64_t>(size_of(p.dtype));
  const Geometry geometry{.grid = blocks_for(bytes / 16 + 1, 256, int64_t{16} * call.units), .block = 256};
  all.launches.push_back(cuda_launch("adam_step_" + std::string(info(p.dtype).brief), geometry, d, kAdamInputs + 4,
                                     static_cast<double>(bytes) * static_cast<double>(2 * call.out.size() + 1),
                                     16.0 * static_cast<double>(d.elements)));
  return all;
}

const bool planned = on_cuda("adam_step", plan);

}  // namespace
}  // namespace pt::cuda
