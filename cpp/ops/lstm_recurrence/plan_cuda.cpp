#include <algorithm>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "ops/lstm_recurrence/cuda_desc.h"

namespace pt::cuda {
namespace {

constexpr int kWorkspace = -1;

// Several rows share what a block reads of the weights, once there are more rows than multiprocessors.
Launch make_launch(const std::string& kernel, const Operand& states, const CudaCall& call, std::vector<int> operands) {
  const LstmProblem p{states.shape[0], states.shape[1], states.shape[2]};
  const int rows = p.batch > call.units ? 4 : 1;
  const auto threads = static_cast<uint32_t>(std::min<int64_t>(round_up(p.width, 32), 256));
  const Geometry geometry{.grid = blocks_for(p.batch, rows), .block = threads};
  const double elements = static_cast<double>(count(states.shape));
  Launch launch =
      cuda_launch(kernel + std::string(info(states.dtype).brief) + "_" + std::to_string(rows), geometry, p,
                  static_cast<int>(operands.size()), elements * 12 * static_cast<double>(size_of(states.dtype)),
                  elements * (8 * static_cast<double>(p.width) + 60));
  launch.operands = std::move(operands);
  return launch;
}

// xw, w_hh, h0, c0 -> h, c, gates.
LaunchPlan plan_forward(const CudaCall& call) {
  LaunchPlan plan;
  if (count(call.out[0].shape) == 0) return plan;
  plan.launches.push_back(make_launch("lstm_forward_", call.out[0], call, {0, 1, 2, 3, 4, 5, 6}));
  return plan;
}

// w_hh, c0, c, gates, dh, dc -> dgates, dh0, dc0.
LaunchPlan plan_backward(const CudaCall& call) {
  LaunchPlan plan;
  const Operand &w = call.in[0], &states = call.in[2];
  if (count(states.shape) == 0) return plan;
  const LstmProblem p{states.shape[0], states.shape[1], states.shape[2]};
  const int64_t weights = count(w.shape);
  plan.workspace_bytes = weights * static_cast<int64_t>(size_of(w.dtype));
  const Geometry geometry{.grid = blocks_for(weights, 256), .block = 256};
  plan.launches.push_back(cuda_launch("lstm_turn_weights_" + std::string(info(w.dtype).brief), geometry, p, 2,
                                      2 * static_cast<double>(plan.workspace_bytes)));
  plan.launches.back().operands = {0, kWorkspace};
  plan.launches.push_back(make_launch("lstm_backward_", states, call, {kWorkspace, 1, 2, 3, 4, 5, 6, 7, 8}));
  return plan;
}

const bool forward = on_cuda("lstm_recurrence", plan_forward);
const bool backward = on_cuda("lstm_recurrence_backward", plan_backward);

}  // namespace
}  // namespace pt::cuda
