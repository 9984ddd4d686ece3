#include <algorithm>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "ops/dft/cuda_desc.h"
#include "ops/dft/plan.h"

namespace pt::cuda {
namespace {

constexpr int kWorkspace = -1;

LaunchPlan plan_dft(const CudaCall& call, const DftLines& lines) {
  LaunchPlan plan;
  const Operand &in = call.in[0], &out = call.out[0];
  DftLaunch p{};
  p.d = describe_dft(in, lines);
  const DftDesc& d = p.d;
  if (d.lines == 0) return plan;
  const int64_t scratch = 4 * d.length, scratch_bytes = scratch * 8;
  p.in_shared = scratch_bytes <= kMostShared;
  const uint32_t blocks = blocks_for(d.lines, 1, p.in_shared ? 65535 : 2 * call.units);
  p.chirp = 2 * d.table_size();
  p.scratch = p.chirp + (d.by_convolution ? 2 * d.length : 0);
  plan.workspace_bytes = (p.scratch + (p.in_shared ? 0 : blocks * scratch)) * 8;

  const auto threads = static_cast<uint32_t>(std::clamp<int64_t>(round_up(d.length / 4, 32), 32, 512));
  const auto shared = static_cast<uint32_t>(p.in_shared ? scratch_bytes : 0);
  const auto add = [&](const std::string& kernel, const Geometry& geometry, std::vector<int> operands, double bytes,
                       double flops) {
    plan.launches.push_back(cuda_launch(kernel, geometry, p, static_cast<int>(operands.size()), bytes, flops));
    plan.launches.back().operands = std::move(operands);
  };
  const double line = dft_flops(d);
  add("dft_tables", {.grid = blocks_for(d.table_size(), 256), .block = 256}, {kWorkspace},
      16.0 * static_cast<double>(d.table_size()), 0);
  if (d.by_convolution) {
    add("dft_chirp", {.block = threads, .shared_bytes = shared}, {kWorkspace}, static_cast<double>(scratch_bytes),
        line / 3);
  }
  const auto bytes = static_cast<double>((count(in.shape) + count(out.shape)) * int64_t(size_of(in.dtype)));
  add(d.wide ? "dft_lines_f64" : "dft_lines_f32", {.grid = blocks, .block = threads, .shared_bytes = shared},
      {0, 1, kWorkspace}, bytes, line * static_cast<double>(d.lines));
  return plan;
}

template <DftLines (*kLines)(const Operand&, const Attrs&)>
LaunchPlan plan(const CudaCall& call) {
  return plan_dft(call, kLines(call.in[0], call.attrs));
}

const bool planned = on_cuda("dft", plan<lines_of_dft>);
const bool from_real = on_cuda("real_dft", plan<lines_of_real_dft>);
const bool to_real = on_cuda("real_dft_inverse", plan<lines_of_real_dft_inverse>);

}  // namespace
}  // namespace pt::cuda
