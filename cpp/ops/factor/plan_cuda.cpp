#include "ops/factor/plan_cuda.h"

#include <algorithm>

#include "core/integers.h"
#include "cuda/launch.h"
#include "ops/factor/cuda_desc.h"

namespace pt::cuda {
namespace {

// The names of the kernels of real and of complex matrices.
const char* kernel_of(const FactorDesc& d) {
  switch (d.kind) {
    case FactorKind::Cholesky:
      return d.is_complex ? "factor_cholesky_complex" : "factor_cholesky";
    case FactorKind::TriangularSolve:
      return d.is_complex ? "factor_solve_complex" : "factor_solve";
    case FactorKind::Qr:
      return d.is_complex ? "factor_qr_complex" : "factor_qr";
    case FactorKind::Eigh:
      return d.is_complex ? "factor_eigh_complex" : "factor_eigh";
    case FactorKind::Svd:
      return d.is_complex ? "factor_svd_complex" : "factor_svd";
    case FactorKind::Lu:
      return d.is_complex ? "factor_lu_complex" : "factor_lu";
    case FactorKind::Eigenbasis:
      return "factor_eigenbasis";
  }
  return nullptr;
}

}  // namespace

LaunchPlan plan_factor(FactorKind kind, const CudaCall& call, FactorOptions options) {
  LaunchPlan plan;
  FactorLaunch p{};
  p.d = describe_factor(kind, call.in, options);
  const FactorDesc& d = p.d;
  if (d.matrices == 0) return plan;
  const int64_t work_bytes = d.work * 8;
  p.in_shared = work_bytes <= kMostShared;
  const uint32_t blocks = blocks_for(d.matrices, 1, p.in_shared ? 65535 : 2 * call.units);
  const int64_t widest = std::max(d.rows * std::max(d.columns, d.right), int64_t{1});
  const auto threads = static_cast<uint32_t>(std::clamp<int64_t>(round_up(widest / 4, 32), 32, 256));
  const auto addresses = static_cast<int>(call.in.size() + call.out.size());
  Launch launch = cuda_launch(
      kernel_of(d),
      {.grid = blocks, .block = threads, .shared_bytes = static_cast<uint32_t>(p.in_shared ? work_bytes : 0)}, p,
      addresses + 1, 0);
  count_factor_work(launch, d, call.in, call.out);
  if (!p.in_shared) plan.workspace_bytes = blocks * work_bytes;
  plan.launches.push_back(std::move(launch));
  return plan;
}

}  // namespace pt::cuda
