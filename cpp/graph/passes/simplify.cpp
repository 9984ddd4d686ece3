// Replays the graph through `apply` into a new trace, so that definitions expand and equal calls meet by the same rules
// that made the graph.
#include <algorithm>
#include <utility>

#include "graph/passes/passes.h"
#include "graph/region.h"
#include "graph/trace.h"
#include "ops/autocast.h"

namespace pt {

namespace {

// A view of all of its input as it is, like stop_gradient once gradients are made, would only keep kernels from fusing,
// and a cast to the dtype that is there would copy.
bool changes_nothing(const Graph& graph, const GraphNode& node) {
  if (!renames_memory(graph, node) && !node.op->casts) return false;
  return graph.values[node.inputs[0]].type == graph.values[node.outputs[0]].type;
}

bool same_place(const View& a, const View& b) {
  if (a.offset != b.offset || a.shape != b.shape) return false;
  for (int d = 0; d < a.shape.size(); ++d) {
    if (a.shape[d] != 1 && a.strides[d] != b.strides[d]) return false;
  }
  return true;
}

// The value of which a call joins all pieces again, each where it was; -1 for other calls.
int whole_of_pieces(const Graph& graph, const GraphNode& node) {
  if (!node.op->joins_pieces) return -1;
  const TensorType& type = graph.values[node.outputs[0]].type;
  Types types;
  for (int input : node.inputs) types.push_back(graph.values[input].type);
  const std::vector<View> places = node.op->joins_pieces(types, type, node.attrs);
  int whole = -1;
  int64_t joined = 0;  // elements: pieces do not overlap, so that these are all where they are as many
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Value& piece = graph.values[node.inputs[i]];
    if (piece.origin != Origin::Node) return -1;
    const GraphNode& view = graph.nodes[piece.index];
    if (!view.op->view || (i > 0 && view.inputs[0] != whole)) return -1;
    whole = view.inputs[0];
    if (graph.values[whole].type != type) return -1;
    const std::optional<View> place = view.op->view({type.dtype, type.shape, row_major(type.shape)}, view.attrs);
    if (!place || !same_place(*place, places[i])) return -1;
    joined += count(piece.type.shape);
  }
  return whole >= 0 && joined == count(type.shape) ? whole : -1;
}

// What a view only repeats along axes; -1 for any other value.
int repeated_by(const Graph& graph, int value) {
  if (value < 0 || graph.values[value].origin != Origin::Node) return -1;
  const GraphNode& node = graph.nodes[graph.values[value].index];
  if (!node.op->view) return -1;
  const TensorType &from = graph.values[node.inputs[0]].type, &to = graph.values[value].type;
  const Strides strides = row_major(from.shape);
  const std::optional<View> view = node.op->view({from.dtype, from.shape, strides}, node.attrs);
  if (!view || from.dtype != to.dtype || from.shape.size() > to.shape.size() || from.shape == to.shape) return -1;
  for (int d = 0, extra = to.shape.size() - from.shape.size(); d < from.shape.size(); ++d) {
    if (from.shape[d] != to.shape[d + extra] && from.shape[d] != 1) return -1;
  }
  const View repeated{to.shape, broadcast_strides(from.shape, strides, to.shape), 0};
  return same_place(*view, repeated) ? node.inputs[0] : -1;
}

// An elementwise call repeats what it reads itself, where something else has all of its elements: a view would keep it
// from becoming one with what made the values.
std::vector<int> without_repetitions(const Graph& graph, const GraphNode& node) {
  std::vector<int> inputs = node.inputs;
  if (!node.op->elementwise) return inputs;
  const Shape& shape = graph.values[node.outputs[0]].type.shape;
  for (int& input : inputs) {
    const int source = repeated_by(graph, input);
    if (source < 0) continue;
    const int before = std::exchange(input, source);
    const bool whole = std::any_of(inputs.begin(), inputs.end(),
                                   [&](int each) { return each >= 0 && graph.values[each].type.shape == shape; });
    if (!whole) input = before;
  }
  return inputs;
}

// What rewrite rules see while the graph is repeated.
class Repeated final : public GraphAround {
 public:
  Repeated(const Graph& graph, const Tensors& value, Trace& trace)
      : graph_(graph), value_(value), trace_(trace), reads_(count_readers(graph)), readers_(graph.values.size()) {
    for (const GraphNode& node : graph.nodes) {
      for (int input : node.inputs) {
        if (input >= 0) readers_[input].push_back(&node);
      }
    }
  }

  const TensorType& type(int value) const override { return graph_.values[value].type; }
  const GraphCall* maker(int value) const override {
    const Value& v = graph_.values[value];
    return v.origin == Origin::Node ? &graph_.nodes[v.index] : nullptr;
  }
  const GraphCall* own_maker(int value, const GraphCall& reader) const override {
    const GraphCall* call = maker(value);
    const bool own = call && reads_[value] == 1 && call->phase == reader.phase && call->recompute == reader.recompute;
    return own ? call : nullptr;
  }
  bool read_only_by(int value, const std::function<bool(const GraphCall&)>& such) const override {
    const std::vector<const GraphCall*>& readers = readers_[value];
    return readers.size() == static_cast<std::size_t>(reads_[value]) &&
           std::all_of(readers.begin(), readers.end(), [&](const GraphCall* reader) { return such(*reader); });
  }
  Tensor now(int value) const override { return value_[value]; }
  void stand_for(const GraphCall& call) override { trace_.set_location(call.location); }

 private:
  const Graph& graph_;
  const Tensors& value_;
  Trace& trace_;
  std::vector<int> reads_;
  std::vector<std::vector<const GraphCall*>> readers_;
};

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
  Repeated around(graph, value, trace);
  for (const GraphNode& node : graph.nodes) {
    Tensors inputs;
    for (int input : merge ? without_repetitions(graph, node) : node.inputs)
      inputs.push_back(input < 0 ? Tensor() : value[input]);
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
    Tensors outputs = merge ? rewritten(node, around) : Tensors{};
    if (outputs.empty()) outputs = apply(*node.op, inputs, node.attrs);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) value[node.outputs[i]] = outputs[i];
  }
  for (const SlotWrite& write : graph.writes) trace.write_at(graph.slots[write.slot], value[write.value], write.phase);
  Tensors results;
  for (int result : graph.results) results.push_back(value[result]);
  trace.set_phase(graph.phases - 1);
  return trace.finish(results);
}

}  // namespace pt
