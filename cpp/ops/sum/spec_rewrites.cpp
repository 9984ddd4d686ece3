#include "ops/functional.h"
#include "ops/rewrite.h"

namespace pt {
namespace {

bool is_one_by_one(const GraphCall* call) { return call && (call->op->elementwise || call->op->casts); }

// A reduction of what is computed element by element keeps its axes, and a view leaves them out: so it can become one
// with what computes it. Of one that stands alone the kernel is the same.
const Rewrite keep_axes("reductions keep axes", [](const GraphCall& call, GraphAround& around) -> Tensors {
  if (!call.op || !call.op->reduces_rows || !call.attrs.has("axis") || call.attrs.flag("keepdims")) return {};
  if (!is_float(around.type(call.inputs[0]).dtype) || !is_one_by_one(around.own_maker(call.inputs[0], call))) return {};
  Attrs attrs = call.attrs;
  attrs.set("keepdims", Attr(true));
  const Tensor kept = apply(*call.op, {around.now(call.inputs[0])}, attrs)[0];
  return {fn::reshape(kept, around.type(call.outputs[0]).shape)};
});

}  // namespace
}  // namespace pt
