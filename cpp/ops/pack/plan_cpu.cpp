#include "ops/copy/plan.h"
#include "ops/cpu_target.h"
#include "ops/fill/plan.h"

namespace pt {
namespace {

// One launch per tensor, also for an empty one: the lowering leaves out those whose tensor was made in its place.
LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  const Ints& offsets = attrs.ints("offsets");
  const auto bytes = static_cast<int64_t>(size_of(out[0].dtype));
  const int output = static_cast<int>(in.size());
  LaunchPlan all;
  std::vector<FillPiece> gaps;
  int64_t end = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    LaunchPlan copy = plan_copy(in[i], {in[i].dtype, in[i].shape, row_major(in[i].shape)});
    if (copy.launches.empty()) copy.launches.push_back(fill_pieces({}, 0));
    Launch& launch = copy.launches[0];
    launch.operands.assign({static_cast<int>(i), output});
    launch.byte_offsets = {0, offsets[i] * bytes};
    all.launches.push_back(std::move(launch));
    if (offsets[i] > end) gaps.push_back({end * bytes, (offsets[i] - end) * bytes});
    end = offsets[i] + count(in[i].shape);
  }
  if (out[0].shape[0] > end) gaps.push_back({end * bytes, (out[0].shape[0] - end) * bytes});
  all.launches.push_back(fill_pieces(gaps, 0));
  all.launches.back().operands.push_back(output);
  return all;
}

const OpPlan* planned = on_cpu("pack", {.plan = plan});

}  // namespace
}  // namespace pt
