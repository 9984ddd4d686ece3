// Which products and casts are better made the other way round, where a transpose follows or comes before: a strided
// operand costs a product nothing, and everything else its memory order.
#include "ops/pieces.h"
#include "ops/rewrite.h"

namespace pt {
namespace {

bool swaps_last_axes(const GraphCall& call, const GraphAround& around) {
  const int64_t n = call.is("permute_dims") ? around.type(call.inputs[0]).shape.size() : 0;
  if (n < 2) return false;
  if (!call.attrs.has("axes")) return n == 2;
  const Ints& axes = call.attrs.ints("axes");
  for (int64_t i = 0; i < n; ++i) {
    const int64_t other = i + 2 < n ? i : i + 2 == n ? n - 1 : n - 2;
    if ((axes[static_cast<std::size_t>(i)] + n) % n != other) return false;
  }
  return true;
}

// The transpose of a product that nobody else reads, perhaps with a cast in between: as B^T A^T it is stored as its
// readers want it, like the gradient of a weight that is used transposed. Each element is the same sum.
const Rewrite turned_product("transpose of matmul", [](const GraphCall& call, GraphAround& around) -> Tensors {
  if (!swaps_last_axes(call, around)) return {};
  const GraphCall* cast = around.own_maker(call.inputs[0], call);
  if (cast && !cast->op->casts) cast = nullptr;
  const GraphCall* product = cast ? around.own_maker(cast->inputs[0], *cast) : around.own_maker(call.inputs[0], call);
  if (!product || !product->is("matmul")) return {};
  const int a = product->inputs[0], b = product->inputs[1];
  if (around.type(a).shape.size() < 2 || around.type(b).shape.size() < 2) return {};
  around.stand_for(*product);
  Tensors made = apply(*product->op, {swap_last(around.now(b)), swap_last(around.now(a))}, product->attrs);
  return cast ? apply(*cast->op, made, cast->attrs) : made;
});

// A cast of a transpose for products (or their transposes) alone: it goes through memory in its order if it comes
// first.
const Rewrite turned_cast("cast before transpose", [](const GraphCall& call, GraphAround& around) -> Tensors {
  if (!call.op->casts) return {};
  const GraphCall* view = around.maker(call.inputs[0]);
  if (!view || !swaps_last_axes(*view, around) || view->recompute != call.recompute) return {};
  const auto takes_strides = [](const GraphCall& reader) { return reader.is("matmul") || reader.is("permute_dims"); };
  if (!around.read_only_by(call.outputs[0], takes_strides)) return {};
  return {swap_last(apply(*call.op, {around.now(view->inputs[0])}, call.attrs)[0])};
});

}  // namespace
}  // namespace pt
