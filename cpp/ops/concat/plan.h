// A concatenation as copies, one for each input, for every target.
#pragma once
#include "core/attrs.h"
#include "core/launch.h"

namespace pt {

// copy(in, out): the target's plan of a copy.
template <class Copy>
LaunchPlan plan_concat(std::span<const Operand> in, const Operand& out, const Attrs& attrs, Copy copy) {
  const int axis = normal_axis(attrs.integer("axis"), out.shape.size(), "concat");
  const int output = static_cast<int>(in.size());
  LaunchPlan plan;
  int64_t begin = 0;
  for (int i = 0; i < output; ++i) {
    for (Launch& launch : copy(in[i], Operand{in[i].dtype, in[i].shape, out.strides}).launches) {
      launch.operands.assign({i, output});
      launch.byte_offsets.assign({0, begin * out.strides[axis] * static_cast<int64_t>(size_of(out.dtype))});
      plan.launches.push_back(std::move(launch));
    }
    begin += in[i].shape[axis];
  }
  return plan;
}

}  // namespace pt
