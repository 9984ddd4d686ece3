#include <algorithm>

#include "graph/passes/passes.h"

namespace pt {
namespace {

// Nodes that others do: taken[n] is the node that follows n and becomes one with it, by combine(n, that node), or -1.
template <class Combine>
Graph join(const Graph& graph, const std::vector<int>& taken, Combine combine) {
  std::vector<int> before(graph.nodes.size(), -1);
  for (std::size_t n = 0; n < taken.size(); ++n) {
    if (taken[n] >= 0) before[taken[n]] = static_cast<int>(n);
  }
  Graph result = graph;
  result.nodes.clear();
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (taken[n] >= 0) continue;  // done where what follows it stands
    GraphNode node = before[n] < 0 ? graph.nodes[n] : combine(graph.nodes[before[n]], graph.nodes[n]);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      result.values[node.outputs[i]].index = static_cast<int>(result.nodes.size());
      result.values[node.outputs[i]].output = static_cast<int>(i);
    }
    result.nodes.push_back(std::move(node));
  }
  return result;
}

class Attacher {
 public:
  Attacher(const Graph& graph, const Target& target)
      : graph_(graph), target_(target), readers_(count_readers(graph)), taken_(graph.nodes.size(), -1) {}

  Graph run() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].fused && !graph_.nodes[n].op) choose(static_cast<int>(n));
    }
    return join(graph_, taken_, combine);
  }

 private:
  // The last product that this program reads and that can take it.
  void choose(int n) {
    const GraphNode& program = graph_.nodes[n];
    int best = -1;
    std::vector<int> others;
    for (int input : program.inputs) {
      const Value& value = graph_.values[input];
      if (value.origin != Origin::Node || taken_[value.index] >= 0) continue;
      GraphNode& maker = graph_.nodes[value.index];
      const OpPlan* plan = maker.op && !maker.fused ? target_.find(*maker.op) : nullptr;
      if (!plan || !plan->plan_epilogue) continue;
      if (!can_take(*plan, program, input, maker.no_epilogue)) continue;
      others.push_back(value.index);
      best = std::max(best, value.index);
    }
    for (int other : others)
      graph_.nodes[other].no_epilogue = other == best ? "" : "the calls behind it follow another product";
    if (best >= 0) taken_[best] = n;
  }

  bool can_take(const OpPlan& plan, const GraphNode& program, int input, std::string& why) const {
    const Value& value = graph_.values[input];
    const GraphNode& maker = graph_.nodes[value.index];
    if (readers_[input] != 1) return why = text("its result is read ", readers_[input], " times"), false;
    if (maker.phase != program.phase) return why = "the calls behind it belong to another phase", false;
    Types in;
    for (int operand : maker.inputs) in.push_back(graph_.values[operand].type);
    FusedProgram after = first_operand(with_strides(program), position(program, input));
    after.operands[0].dtype = compute_dtype(value.type.dtype);  // a product of 16 bits comes rounded, but wide
    return plan.epilogue_fits(after, in, value.type, maker.attrs, &why);
  }

  // What lies in memory as it is written: a product of images cannot take every broadcast.
  FusedProgram with_strides(const GraphNode& node) const {
    FusedProgram program = *node.fused;
    for (std::size_t i = 0; i < program.operands.size(); ++i) {
      const int value = i < node.inputs.size() ? node.inputs[i] : node.outputs[i - node.inputs.size()];
      const Shape& shape = graph_.values[value].type.shape;
      const bool state = std::any_of(program.steps.begin(), program.steps.end(), [&](const FusedStep& step) {
        return step.kind == StepKind::Uniform && step.operand == static_cast<int>(i);
      });
      const Shape read = state ? Shape{} : shape;  // a generator's, which is read as a whole
      program.operands[i].strides = broadcast_strides(read, row_major(read), program.extents);
    }
    return program;
  }

  static int position(const GraphNode& program, int input) {
    return static_cast<int>(std::find(program.inputs.begin(), program.inputs.end(), input) - program.inputs.begin());
  }

  // The same program with its input `at` in front.
  static FusedProgram first_operand(FusedProgram program, int at) {
    std::rotate(program.operands.begin(), program.operands.begin() + at, program.operands.begin() + at + 1);
    for (FusedStep& step : program.steps) {
      if (step.operand < 0) continue;
      if (step.operand == at) {
        step.operand = 0;
      } else if (step.operand < at) {
        ++step.operand;
      }
    }
    return program;
  }

  static GraphNode combine(const GraphNode& product, const GraphNode& program) {
    GraphNode node = product;
    const int at = position(program, product.outputs[0]);
    node.fused = std::make_shared<const FusedProgram>(first_operand(*program.fused, at));
    for (std::size_t i = 0; i < program.inputs.size(); ++i) {
      if (static_cast<int>(i) != at) node.inputs.push_back(program.inputs[i]);
    }
    node.outputs = program.outputs;
    node.names = program.names;
    return node;
  }

  Graph graph_;  // with notes on those that take none
  const Target& target_;
  const std::vector<int> readers_;
  std::vector<int> taken_;  // per product: the program that it does
};

// The product with an epilogue whose rows this node can read as they are finished; -1 if there is none.
int product_before(const Graph& graph, const Target& target, const std::vector<int>& readers, const GraphNode& node) {
  const OpPlan* own = node.op && node.inputs.size() == 1 ? target.find(*node.op) : nullptr;
  if (!own || !own->consume_rows || readers[node.inputs[0]] != 1) return -1;
  const Value& rows = graph.values[node.inputs[0]];
  if (rows.origin != Origin::Node) return -1;
  const GraphNode& product = graph.nodes[rows.index];
  const OpPlan* plan = product.op && product.fused ? target.find(*product.op) : nullptr;
  if (!plan || !plan->hands_rows || product.phase != node.phase) return -1;
  Types in, out;
  for (int input : product.inputs) in.push_back(graph.values[input].type);
  for (int output : node.outputs) out.push_back(graph.values[output].type);
  const TensorType result = {product.fused->operands[0].dtype, product.fused->extents};
  const std::optional<RowConsumer> consumer = own->consume_rows(rows.type, out, node.attrs);
  return consumer && plan->hands_rows(*product.fused, in, result, product.attrs, *consumer) ? rows.index : -1;
}

GraphNode with_consumer(const GraphNode& product, const GraphNode& reader) {
  GraphNode node = product;
  node.consumer = std::make_shared<const GraphConsumer>(*reader.op, reader.attrs);
  node.outputs = reader.outputs;
  node.names.push_back(reader.op->name);
  return node;
}

}  // namespace

Graph attach_epilogues(const Graph& graph, const Target& target) { return Attacher(graph, target).run(); }

Graph attach_consumers(const Graph& graph, const Target& target) {
  const std::vector<int> readers = count_readers(graph);
  std::vector<int> taken(graph.nodes.size(), -1);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const int product = product_before(graph, target, readers, graph.nodes[n]);
    if (product >= 0) taken[product] = static_cast<int>(n);
  }
  return join(graph, taken, with_consumer);
}

}  // namespace pt
