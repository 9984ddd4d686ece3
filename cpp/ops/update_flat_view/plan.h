// A flat tensor with a piece of it replaced, for every target.
#pragma once
#include "core/attrs.h"
#include "core/launch.h"

namespace pt {

// copy(in, out): the target's plan of a copy.
template <class Copy>
LaunchPlan plan_update_flat_view(std::span<const Operand> in, const Operand& out, const Attrs& attrs, Copy copy) {
  LaunchPlan plan = copy(in[0], out);
  for (Launch& launch : plan.launches) launch.operands.assign({0, 2});
  for (Launch& launch : copy(in[1], Operand{in[1].dtype, in[1].shape, row_major(in[1].shape)}).launches) {
    launch.operands.assign({1, 2});
    launch.byte_offsets = {0, attrs.integer("offset") * static_cast<int64_t>(size_of(in[1].dtype))};
    plan.launches.push_back(std::move(launch));
  }
  return plan;
}

}  // namespace pt
