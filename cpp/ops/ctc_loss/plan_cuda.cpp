#include <algorithm>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "ops/ctc_loss/cuda_desc.h"
#include "ops/ctc_loss/plan.h"

namespace pt::cuda {
namespace {

LaunchPlan plan_ctc(const CudaCall& call, bool backward) {
  LaunchPlan plan;
  const Operand& scores = call.in[0];
  CtcProblem p{describe_ctc(scores, call.in[1], call.attrs), 0};
  const CtcDesc& d = p.row;
  if (d.rows == 0 || (backward && d.steps * d.classes == 0)) return plan;
  // Classes and their chains; two steps' states; and backward the posteriors and the states of all steps.
  p.row_bytes = (5 + (backward ? 1 + d.steps : 0)) * d.wide * 8;
  plan.workspace_bytes = d.rows * p.row_bytes;
  const Geometry geometry{.grid = blocks_for(d.rows, 1),
                          .block = static_cast<uint32_t>(std::clamp<int64_t>(round_up(d.wide, 32), 32, 256))};
  const std::string kernel = backward ? "ctc_backward_" : "ctc_forward_";
  Launch launch = cuda_launch(kernel + std::string(info(scores.dtype).brief), geometry, p, backward ? 7 : 6, 0);
  count_ctc_work(launch, d, scores, backward);
  plan.launches.push_back(std::move(launch));
  return plan;
}

const bool forward = on_cuda("ctc_rows", [](const CudaCall& call) { return plan_ctc(call, false); });
const bool backward = on_cuda("ctc_rows_backward", [](const CudaCall& call) { return plan_ctc(call, true); });

}  // namespace
}  // namespace pt::cuda
