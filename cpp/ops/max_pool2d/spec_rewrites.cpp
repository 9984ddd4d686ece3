#include "ops/rewrite.h"

namespace pt {
namespace {

// The gradient of a ReLU before a maximum pooling, of the pooling's gradient that nobody else reads. What a window's
// winner holds is the window's maximum, so that the ReLU may let through or stop the gradient before it is spread.
const Rewrite gate_first("relu before pooling", [](const GraphCall& call, GraphAround& around) -> Tensors {
  if (!call.is("relu_grad")) return {};
  const GraphCall* backward = around.own_maker(call.inputs[1], call);
  if (!backward || !backward->is("max_pool2d_backward") || backward->inputs[1] < 0) return {};
  const GraphCall* forward = around.maker(backward->inputs[1]);
  const bool fits = forward && forward->is("max_pool2d_with_index") && forward->inputs[0] == call.inputs[0] &&
                    around.type(call.outputs[0]) == around.type(call.inputs[0]);
  if (!fits) return {};
  Attrs same = forward->attrs;
  same.set("image", Attr(backward->attrs.ints("image")));
  if (same != backward->attrs) return {};
  const Tensor pooled = around.now(forward->outputs[0]), g = around.now(backward->inputs[0]);
  const Tensor passed = apply(*call.op, {pooled, g}, call.attrs)[0];
  return apply(*backward->op, {passed, around.now(backward->inputs[1])}, backward->attrs);
});

}  // namespace
}  // namespace pt
