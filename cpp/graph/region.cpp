#include "graph/region.h"

#include <unordered_set>

#include "graph/autodiff.h"
#include "graph/trace.h"
#include "ops/autocast.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/tape.h"

namespace pt {
namespace {

// Marks what is recorded while it lives.
class RecomputeScope {
 public:
  explicit RecomputeScope(uint64_t number) : trace_(dynamic_cast<Trace*>(active_recorder())) {
    if (!trace_) return;
    saved_ = trace_->recompute();
    outer_ = number;
  }
  ~RecomputeScope() {
    if (trace_) trace_->set_recompute(saved_);
  }
  RecomputeScope(const RecomputeScope&) = delete;
  // A node that was marked already is another computing still.
  void mark(uint64_t own) {
    if (!trace_) return;
    uint64_t number = saved_;
    for (uint64_t next : {outer_, own}) {
      if (next != 0) number = number == 0 ? next : number * 0x9e3779b97f4a7c15ull + next;
    }
    trace_->set_recompute(number);
  }

 private:
  Trace* trace_;
  uint64_t saved_ = 0, outer_ = 0;
};

// The last node that reads each value: memory is let go of after it.
std::vector<std::vector<int>> dying_after(const Graph& graph) {
  std::vector<int> last(graph.values.size(), -1);
  std::vector<std::vector<int>> dying(graph.nodes.size());
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const auto read = [&](const std::vector<int>& values) {
      for (int value : values) {
        if (value >= 0) last[value] = static_cast<int>(n);
      }
    };
    read(graph.nodes[n].inputs);
    if (!graph.nodes[n].region) continue;
    read(graph.nodes[n].region->inputs);
    read(graph.nodes[n].region->captured);
  }
  for (int result : graph.results) last[result] = -1;
  for (std::size_t value = 0; value < last.size(); ++value) {
    if (last[value] >= 0) dying[last[value]].push_back(static_cast<int>(value));
  }
  return dying;
}

}  // namespace

Tensors replay(const Graph& graph, const Tensors& inputs, uint64_t recompute) {
  Tensors value(graph.values.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) value[graph.inputs[i]] = inputs[i];
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (graph.values[v].origin == Origin::Constant) value[v] = graph.constants[graph.values[v].index];
  }
  const std::vector<std::vector<int>> dying = dying_after(graph);
  std::unordered_map<const GraphRegion*, std::shared_ptr<const Region>> regions;
  RecomputeScope marks(recompute);
  const AutocastScope decided;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphNode& node = graph.nodes[n];
    marks.mark(node.recompute);
    const LocationScope here(node.location);
    Tensors in;
    for (int input : node.inputs) in.push_back(input < 0 ? Tensor() : value[input]);
    Tensors outputs;
    if (node.region) {
      auto& region = regions[node.region.get()];
      if (!region) region = moved_region(*node.region, [&](int number) { return value[number]; });
      outputs = {with_region(in[0], region, node.region_output)};
    } else {
      outputs = apply(*node.op, in, node.attrs);
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) value[node.outputs[i]] = outputs[i];
    for (int dead : dying[n]) value[dead] = Tensor();
  }
  Tensors results;
  for (int result : graph.results) results.push_back(value[result]);
  return results;
}

Tensors lift_constants(Graph& graph) {
  std::vector<int> lifted;
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (graph.values[v].origin == Origin::Constant) lifted.push_back(static_cast<int>(v));
  }
  Tensors constants;
  for (int v : lifted) constants.push_back(graph.constants[graph.values[v].index]);
  graph.inputs.insert(graph.inputs.begin(), lifted.begin(), lifted.end());
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    graph.values[graph.inputs[i]].origin = Origin::Input;
    graph.values[graph.inputs[i]].index = static_cast<int>(i);
  }
  graph.constants.clear();
  return constants;
}

Tensor with_region(const Tensor& inside, const std::shared_ptr<const Region>& region, int number) {
  TapeScope off(false);
  const Tensor output = apply(fn::boundary_op(), {inside}, {{"region", static_cast<int64_t>(next_value_id())}})[0];
  if (output.symbolic()) {
    output.node()->region = region;
    output.node()->region_output = number;
    return output;
  }
  // On a tape. What the region holds is among the inputs too, so that long chains are let go of one by one.
  auto node = std::make_shared<Node>();
  node->op = &fn::boundary_op();
  node->types = {output.type()};
  node->order = next_value_id();
  node->inputs = region->inputs;
  node->inputs.insert(node->inputs.end(), region->captured.begin(), region->captured.end());
  node->saved_outputs.emplace_back();
  node->output_ids.push_back(output.id());
  node->region = region;
  node->region_output = number;
  return output.with_node(node, 0);
}

std::shared_ptr<const Region> moved_region(const GraphRegion& region, const std::function<Tensor(int)>& value) {
  auto moved = std::make_shared<Region>(*region.region);
  for (std::size_t i = 0; i < moved->inputs.size(); ++i) moved->inputs[i] = value(region.inputs[i]);
  for (std::size_t i = 0; i < moved->captured.size(); ++i) moved->captured[i] = value(region.captured[i]);
  return moved;
}

Tensors go_back(const Region& region, const Tensors& cotangents) {
  Tensors inputs = region.captured;
  for (std::size_t i = 0; i < cotangents.size(); ++i) {
    inputs.push_back(cotangents[i].defined() ? cotangents[i] : fn::zeros(region.outputs[i]));
  }
  return replay(*region.back, inputs, region.recompute ? next_value_id() : 0);
}

namespace {

bool differentiating() { return tape_depth() > 0 || active_recorder(); }

Types types_of(const Tensors& tensors) {
  Types types;
  for (const Tensor& t : tensors) types.push_back(t.type());
  return types;
}

Tensors symbols(Trace& trace, const Types& types) {
  Tensors made;
  for (const TensorType& type : types) made.push_back(trace.input(type));
  return made;
}

Tensors joined(Tensors first, const Tensors& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Tensors floats_of(const Tensors& tensors) {
  Tensors floats;
  for (const Tensor& t : tensors) {
    if (is_continuous(t.dtype())) floats.push_back(t);
  }
  return floats;
}

// From what the part reads and cotangents of its outputs to gradients by the floats that it reads.
Graph recomputing(const Graph& part, const Types& read, const Types& outputs) {
  Trace trace({.nested = true, .where = "checkpoint", .again = true});
  TraceScope scope(&trace);
  const Tensors values = symbols(trace, read), cotangents = symbols(trace, outputs);
  Tensors found = replay(part, values);
  found.resize(outputs.size());
  Tensors reached, wanted;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!is_continuous(found[i].dtype())) continue;
    reached.push_back(found[i]);
    wanted.push_back(cotangents[i]);
  }
  return trace.finish(gradients(reached, wanted, floats_of(values)));
}

// Gradients are wanted by values that the function read without being given them: they would be zero.
void refuse_other_variables(const Tensors& outputs, const Tensors& inputs) {
  std::unordered_set<uint64_t> seen;
  for (const Tensor& input : inputs) seen.insert(input.id());
  Tensors reached;
  const auto reach = [&](const Tensor& t) {
    if (t.defined() && is_continuous(t.dtype()) && seen.insert(t.id()).second) reached.push_back(t);
  };
  for (const Tensor& output : outputs) reach(output);
  while (!reached.empty()) {
    const Tensor t = std::move(reached.back());
    reached.pop_back();
    if (is_watched(t)) {
      throw TraceError(text("[custom_gradient] the function reads ", t.type(),
                            ", by which a gradient is wanted, and it is no argument; expected an argument for "
                            "each such value, or its gradient would be zero; pass it, as in f(x, module.weight), or "
                            "read it through pt.stop_gradient"));
    }
    const std::shared_ptr<Node>& node = t.node();
    if (!node || (node->op->no_gradient && !node->region)) continue;
    for (const Tensor& input : node->region ? node->region->inputs : node->inputs) reach(input);
  }
}

}  // namespace

Tensors checkpointed(const Function& function, const Tensors& inputs) {
  if (!differentiating()) return function(inputs);
  Trace trace({.nested = true, .where = "checkpoint"});
  Graph part;
  std::size_t count = 0;
  {
    TraceScope scope(&trace);
    Tensors results = function(symbols(trace, types_of(inputs)));
    count = results.size();
    for (const auto& [slot, value] : trace.assigned()) results.push_back(value);
    part = trace.finish(results);
  }
  const Tensors read = joined(lift_constants(part), inputs);
  Tensors outputs;
  {
    TapeScope off(false);
    outputs = replay(part, read);
  }
  for (std::size_t i = 0; i < trace.assigned().size(); ++i) {
    const auto& [slot, value] = trace.assigned()[i];
    write_slot(slot, outputs[count + i]);
  }
  outputs.resize(count);
  auto region = std::make_shared<Region>();
  region->inputs = floats_of(read);
  region->captured = read;
  region->outputs = types_of(outputs);
  region->back = std::make_shared<const Graph>(recomputing(part, types_of(read), region->outputs));
  region->recompute = true;
  return with_regions(outputs, region);
}

Tensors with_gradient(const Tensors& outputs, const Tensors& inputs, const Function& back) {
  if (!differentiating()) return outputs;
  refuse_other_variables(outputs, inputs);
  auto region = std::make_shared<Region>();
  region->inputs = inputs;
  region->outputs = types_of(outputs);
  Trace trace({.nested = true, .where = "custom_gradient"});
  Graph graph;
  {
    TraceScope scope(&trace);
    const AutocastScope decided;
    const Tensors gradients = back(symbols(trace, region->outputs));
    if (!trace.assigned().empty()) {
      throw TraceError(text("[custom_gradient] the gradient function assigns ", trace.assigned()[0].first->name,
                            "; expected a function that does not; assign the slot outside of it"));
    }
    graph = trace.finish(gradients);
  }
  region->captured = lift_constants(graph);
  region->back = std::make_shared<const Graph>(std::move(graph));
  return with_regions(outputs, region);
}

Tensors with_regions(const Tensors& outputs, const std::shared_ptr<const Region>& region) {
  Tensors result;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    result.push_back(with_region(outputs[i], region, static_cast<int>(i)));
  }
  return result;
}

}  // namespace pt
