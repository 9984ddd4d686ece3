#include "ops/scan/plan_cuda.h"

#include "cuda/launch.h"
#include "cuda/space_plan.h"
#include "ops/scan/axis.h"
#include "ops/scan/cuda_desc.h"
#include "ops/scan/layout.h"

namespace pt::cuda {
namespace {

// A thread that takes a line waits for memory at each step; a block reads many steps ahead for one thread.
constexpr int64_t kShortLine = 64;
constexpr int64_t kManyLines = 8192;

LaunchPlan plan_scan(ScanKind kind, const CudaCall& call, bool reverse, bool initial) {
  LaunchPlan plan;
  const Operand &x = call.in[0], &out = call.out[0];
  const int64_t elements = count(out.shape);
  if (elements == 0) return plan;
  const ScanDesc d = describe_scan(kind, x, out, running_axis(call.attrs, x.shape, "scan"), reverse, initial);
  const ScanLines params{axes_of(d.lines), d.n, d.stride, d.out_stride, d.from, kind, reverse, initial};
  const bool by_threads = d.n <= kShortLine || d.lines.count >= kManyLines;
  const double bytes = static_cast<double>(count(x.shape)) * static_cast<double>(size_of(x.dtype)) +
                       static_cast<double>(elements) * static_cast<double>(size_of(out.dtype));
  plan.launches.push_back(cuda_launch(
      by_threads ? "scan_lines" : "scan_long_lines",
      {.grid = {blocks_for(d.lines.count, by_threads ? kScanThreads : 1)}, .block = {kScanThreads}}, params, 2, bytes));
  return plan;
}

}  // namespace

CudaPlan running(ScanKind kind) {
  return [kind](const CudaCall& call) {
    return plan_scan(kind, call, call.attrs.flag("reverse"), call.attrs.flag("include_initial"));
  };
}

CudaPlan running_place(ScanKind kind) {
  return [kind](const CudaCall& call) { return plan_scan(kind, call, false, false); };
}

}  // namespace pt::cuda
