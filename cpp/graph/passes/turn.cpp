// Which products and casts are better made the other way round, where a transpose follows or comes before: a strided
// operand costs a product nothing, and everything else its memory order. And what is better done before a gradient is
// spread over the windows of a pooling.
#include "graph/passes/turn.h"

#include <utility>

#include "ops/functional.h"

namespace pt {

namespace {

bool swaps_last_axes(const GraphNode& node, int64_t n) {
  if (!node.op || node.op->name != "permute_dims" || n < 2) return false;
  if (!node.attrs.has("axes")) return n == 2;
  const Ints& axes = node.attrs.ints("axes");
  for (int64_t i = 0; i < n; ++i) {
    const int64_t other = i + 2 < n ? i : i + 2 == n ? n - 1 : n - 2;
    if ((axes[i] + n) % n != other) return false;
  }
  return true;
}

bool is_call(const GraphNode* node, const char* op) { return node && node->op && node->op->name == op; }

}  // namespace

Turns::Turns(const Graph& graph) : graph_(graph), reads_(count_readers(graph)), by_products_(graph.values.size(), 0) {
  for (const GraphNode& node : graph.nodes) {
    for (int input : node.inputs) {
      if (input >= 0) by_products_[input] += is_call(&node, "matmul") || is_call(&node, "permute_dims");
    }
  }
}

const GraphNode* Turns::maker_of(int value) const {
  const Value& v = graph_.values[value];
  return v.origin == Origin::Node ? &graph_.nodes[v.index] : nullptr;
}

// A node that only `reader` reads, and that belongs to the same part of the step.
const GraphNode* Turns::own(int value, const GraphNode& reader, const char* op) const {
  const GraphNode* maker = maker_of(value);
  const bool fits =
      is_call(maker, op) && reads_[value] == 1 && maker->phase == reader.phase && maker->recompute == reader.recompute;
  return fits ? maker : nullptr;
}

TurnedProduct Turns::product(const GraphNode& node) const {
  if (node.inputs.size() != 1 || !swaps_last_axes(node, graph_.values[node.inputs[0]].type.shape.size())) return {};
  TurnedProduct found;
  found.cast = own(node.inputs[0], node, "astype");
  found.product = found.cast ? own(found.cast->inputs[0], *found.cast, "matmul") : own(node.inputs[0], node, "matmul");
  if (!found.product) return {};
  for (int input : found.product->inputs) {
    if (graph_.values[input].type.shape.size() < 2) return {};
  }
  return found;
}

const GraphNode* Turns::transpose_before(const GraphNode& node) const {
  if (!is_call(&node, "astype") || by_products_[node.outputs[0]] < reads_[node.outputs[0]]) return nullptr;
  const GraphNode* view = maker_of(node.inputs[0]);
  const bool turns = view && view->op && view->inputs.size() == 1 &&
                     swaps_last_axes(*view, graph_.values[view->inputs[0]].type.shape.size());
  return turns && view->recompute == node.recompute ? view : nullptr;
}

PooledGradient Turns::pooled_gradient(const GraphNode& node) const {
  if (!is_call(&node, "relu_grad")) return {};
  const GraphNode* backward = own(node.inputs[1], node, "max_pool2d_backward");
  if (!backward || backward->inputs[1] < 0) return {};
  const GraphNode* forward = maker_of(backward->inputs[1]);
  const bool fits = is_call(forward, "max_pool2d_with_index") && forward->inputs[0] == node.inputs[0] &&
                    graph_.values[node.outputs[0]].type == graph_.values[node.inputs[0]].type;
  if (!fits) return {};
  Attrs same = forward->attrs;
  same.set("image", Attr(backward->attrs.ints("image")));
  return same == backward->attrs ? PooledGradient{backward, forward->outputs[0]} : PooledGradient{};
}

Tensor swap_last_axes(const Tensor& x) {
  Ints axes;
  for (int i = 0; i < x.ndim(); ++i) axes.push_back(i);
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return fn::transpose(x, axes);
}

}  // namespace pt
