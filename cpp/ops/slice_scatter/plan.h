// A tensor of one value with another written into it, for every target.
#pragma once
#include "core/attrs.h"
#include "core/launch.h"

namespace pt {

// copy(in, out) and fill(out, value): the target's plans.
template <class Copy, class Fill>
LaunchPlan plan_slice_scatter(const Operand& in, const Operand& out, const Attrs& attrs, Copy copy, Fill fill) {
  LaunchPlan plan = fill(out, attrs.number("value"));
  for (Launch& launch : plan.launches) launch.operands.assign({1});
  Operand piece{in.dtype, in.shape, out.strides};
  int64_t offset = 0;
  for (int i = 0; i < piece.shape.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    offset += attrs.ints("start")[at] * out.strides[i];
    piece.strides[i] *= attrs.ints("step")[at];
  }
  for (Launch& launch : copy(in, piece).launches) {
    launch.operands.assign({0, 1});
    launch.byte_offsets = {0, offset * static_cast<int64_t>(size_of(in.dtype))};
    plan.launches.push_back(std::move(launch));
  }
  return plan;
}

}  // namespace pt
