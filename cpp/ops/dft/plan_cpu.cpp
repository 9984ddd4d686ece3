// The tables of a transform are made with its plan.
#include <algorithm>
#include <vector>

#include "ops/cpu_target.h"
#include "ops/dft/plan.h"
#include "ops/dft/roots.h"

namespace pt {
namespace {

constexpr double kChunkFlops = 1e5;  // about 20 us

LaunchPlan plan_dft(const Operand& in, const Operand& out, const DftLines& lines) {
  DftDesc d = describe_dft(in, lines);
  const double line = dft_flops(d);
  d.chunk = std::clamp<int64_t>(static_cast<int64_t>(kChunkFlops / line), 1, std::max<int64_t>(d.lines, 1));
  const auto tables = static_cast<std::size_t>(d.table_size());
  std::vector<std::byte> bytes(sizeof(d) + tables * sizeof(Root));
  std::memcpy(bytes.data(), &d, sizeof(d));
  auto* root = reinterpret_cast<Root*>(bytes.data() + sizeof(d));
  for (int64_t i = 0; i < d.table_size(); ++i) root[i] = table_root(d, i);

  Launch launch;
  launch.kernel = "dft";
  launch.desc = Descriptor::from_bytes(bytes.data(), bytes.size());
  launch.chunks = (d.lines + d.chunk - 1) / d.chunk;
  // Real and imaginary parts of a line, of the next step, and of the chirp's transform.
  launch.scratch_bytes = d.length * static_cast<int64_t>(sizeof(double)) * (d.by_convolution ? 6 : 4);
  launch.flops = line * static_cast<double>(d.lines);
  launch.bytes = static_cast<double>((count(in.shape) + count(out.shape)) * static_cast<int64_t>(size_of(in.dtype)));
  LaunchPlan plan;
  plan.launches.push_back(std::move(launch));
  return plan;
}

template <DftLines (*kLines)(const Operand&, const Attrs&)>
LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  return plan_dft(in[0], out[0], kLines(in[0], attrs));
}

const OpPlan* planned = on_cpu("dft", {.plan = plan<lines_of_dft>});
const OpPlan* from_real = on_cpu("real_dft", {.plan = plan<lines_of_real_dft>});
const OpPlan* to_real = on_cpu("real_dft_inverse", {.plan = plan<lines_of_real_dft_inverse>});

}  // namespace
}  // namespace pt
