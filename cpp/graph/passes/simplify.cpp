// Replays the graph through `apply` into a new trace, so that definitions expand and equal calls meet by the same rules
// that made the graph.
#include "graph/passes/passes.h"
#include "graph/passes/turn.h"
#include "graph/region.h"
#include "graph/trace.h"
#include "ops/autocast.h"

namespace pt {

namespace {

// A view of all of its input as it is, like stop_gradient once gradients are made, would only keep kernels from fusing,
// and a cast to the dtype that is there would copy.
bool changes_nothing(const Graph& graph, const GraphNode& node) {
  if (!renames_memory(graph, node) && node.op->name != "astype") return false;
  return graph.values[node.inputs[0]].type == graph.values[node.outputs[0]].type;
}

// The flat value whose pieces, all of them in their places, a `pack` puts together; -1 for other calls.
int whole_of_pieces(const Graph& graph, const GraphNode& node) {
  if (node.op->name != "pack") return -1;
  int whole = -1;
  int64_t end = 0;  // of pieces that lie in order: if they fill the size, none has moved
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Value& piece = graph.values[node.inputs[i]];
    if (piece.origin != Origin::Node) return -1;
    const GraphNode& view = graph.nodes[piece.index];
    if (!view.op || view.op->name != "flat_view" || view.attrs.integer("offset") != end) return -1;
    if (i > 0 && view.inputs[0] != whole) return -1;
    whole = view.inputs[0];
    end += count(piece.type.shape);
  }
  const bool all =
      whole >= 0 && end == node.attrs.integer("size") && graph.values[whole].type == graph.values[node.outputs[0]].type;
  return all ? whole : -1;
}

}  // namespace

Graph simplify(const Graph& graph, bool merge, bool nested, const Target* target) {
  Trace trace({.expand = true, .target = target, .merge = merge, .nested = nested});
  TraceScope scope(&trace);
  const AutocastScope decided;
  Tensors value(graph.values.size());
  for (int input : graph.inputs) value[input] = trace.input(graph.values[input].type);
  for (std::size_t s = 0; s < graph.slots.size(); ++s) {
    if (graph.slot_values[s] >= 0) value[graph.slot_values[s]] = trace.start_of(graph.slots[s]);
  }
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (graph.values[v].origin == Origin::Constant) value[v] = graph.constants[graph.values[v].index];
  }
  std::unordered_map<const GraphRegion*, std::shared_ptr<const Region>> regions;
  const Turns turns(graph);
  for (const GraphNode& node : graph.nodes) {
    Tensors inputs;
    for (int input : node.inputs) inputs.push_back(input < 0 ? Tensor() : value[input]);
    if (merge && changes_nothing(graph, node)) {
      value[node.outputs[0]] = inputs[0];
      continue;
    }
    if (const int whole = merge ? whole_of_pieces(graph, node) : -1; whole >= 0) {
      value[node.outputs[0]] = value[whole];
      continue;
    }
    trace.set_phase(node.phase);
    trace.set_location(node.location);
    trace.set_recompute(node.recompute);
    if (nested && node.region) {
      auto& region = regions[node.region.get()];
      if (!region) region = moved_region(*node.region, [&](int number) { return value[number]; });
      value[node.outputs[0]] = with_region(inputs[0], region, node.region_output);
      continue;
    }
    if (const TurnedProduct turned = merge ? turns.product(node) : TurnedProduct{}; turned.product) {
      trace.set_location(turned.product->location);
      const Tensor a = value[turned.product->inputs[0]], b = value[turned.product->inputs[1]];
      Tensor made = apply(*turned.product->op, {swap_last_axes(b), swap_last_axes(a)}, turned.product->attrs)[0];
      if (turned.cast) made = apply(*turned.cast->op, {made}, turned.cast->attrs)[0];
      value[node.outputs[0]] = made;
      continue;
    }
    if (const GraphNode* view = merge ? turns.transpose_before(node) : nullptr) {
      value[node.outputs[0]] = swap_last_axes(apply(*node.op, {value[view->inputs[0]]}, node.attrs)[0]);
      continue;
    }
    if (const PooledGradient spread = merge ? turns.pooled_gradient(node) : PooledGradient{}; spread.backward) {
      const Tensor passed = apply(*node.op, {value[spread.pooled], value[spread.backward->inputs[0]]}, node.attrs)[0];
      value[node.outputs[0]] =
          apply(*spread.backward->op, {passed, value[spread.backward->inputs[1]]}, spread.backward->attrs)[0];
      continue;
    }
    const Tensors outputs = apply(*node.op, inputs, node.attrs);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) value[node.outputs[i]] = outputs[i];
  }
  for (const SlotWrite& write : graph.writes) trace.write_at(graph.slots[write.slot], value[write.value], write.phase);
  Tensors results;
  for (int result : graph.results) results.push_back(value[result]);
  trace.set_phase(graph.phases - 1);
  return trace.finish(results);
}

}  // namespace pt
