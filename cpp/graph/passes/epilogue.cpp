#include <algorithm>

#include "graph/passes/passes.h"

namespace pt {
namespace {

constexpr int kNobody = -1, kLeftOut = -2;

// Nodes that others do: taken[n] is the node that follows n and becomes one with it, by combine(n, that node); or
// nobody; or nobody needs n any more. The one node stands where the second stood, or early: where the first did.
template <class Combine>
Graph join(const Graph& graph, const std::vector<int>& taken, const std::vector<bool>& early, Combine combine) {
  std::vector<int> before(graph.nodes.size(), kNobody);
  for (std::size_t n = 0; n < taken.size(); ++n) {
    if (taken[n] >= 0) before[taken[n]] = static_cast<int>(n);
  }
  Graph result = graph;
  result.nodes.clear();
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const bool first = taken[n] >= 0, second = before[n] >= 0;
    if (taken[n] == kLeftOut || (first && !early[taken[n]]) || (second && early[n])) continue;
    GraphNode node = first    ? combine(graph.nodes[n], graph.nodes[taken[n]])
                     : second ? combine(graph.nodes[before[n]], graph.nodes[n])
                              : graph.nodes[n];
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      result.values[node.outputs[i]].index = static_cast<int>(result.nodes.size());
      result.values[node.outputs[i]].output = static_cast<int>(i);
    }
    result.nodes.push_back(std::move(node));
  }
  return result;
}

Shape without_leading_ones(const Shape& shape) {
  Shape rest;
  for (int axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] != 1 || !rest.empty()) rest.push_back(shape[axis]);
  }
  return rest;
}

class Attacher {
 public:
  Attacher(const Graph& graph, const Target& target)
      : graph_(graph),
        target_(target),
        readers_(count_readers(graph)),
        taken_(graph.nodes.size(), kNobody),
        early_(graph.nodes.size(), false) {}

  Graph run() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].fused && !graph_.nodes[n].op) choose(static_cast<int>(n));
    }
    return join(graph_, taken_, early_, combine);
  }

 private:
  // A program's input that an op's result is, as it is or squeezed.
  struct Link {
    int input, result;
    int view;  // the node between them, or -1
  };
  Link link(int input) const {
    const int result = saves_launches_ ? unsqueezed(graph_, input) : input;
    return {input, result, result == input ? -1 : graph_.values[input].index};
  }

  // The last product that this program reads and that can take it.
  void choose(int n) {
    const GraphNode& program = graph_.nodes[n];
    std::optional<Link> best;
    std::vector<int> others;
    for (int input : program.inputs) {
      const Link found = link(input);
      const Value& value = graph_.values[found.result];
      if (value.origin != Origin::Node || taken_[value.index] != kNobody) continue;
      GraphNode& maker = graph_.nodes[value.index];
      const OpPlan* plan = maker.op && !maker.fused ? target_.find(*maker.op) : nullptr;
      if (!plan || !plan->plan_epilogue) continue;
      if (!can_take(*plan, n, found, maker.no_epilogue)) continue;
      others.push_back(value.index);
      if (!best || value.index > graph_.values[best->result].index) best = found;
    }
    const int maker = best ? graph_.values[best->result].index : kNobody;
    for (int other : others)
      graph_.nodes[other].no_epilogue = other == maker ? "" : "the calls behind it follow another product";
    if (!best) return;
    taken_[maker] = n;
    if (best->view >= 0) taken_[best->view] = kLeftOut;
    early_[n] = is_read_elsewhere(*best);
    graph_.nodes[n] = behind(n, *best);
  }

  // The program as it stands behind the result: over the result's own axes, and storing it too if others read it.
  GraphNode behind(int n, const Link& found) const {
    GraphNode node = graph_.nodes[n];
    FusedProgram program = *node.fused;
    const TensorType& type = graph_.values[found.result].type;
    std::replace(node.inputs.begin(), node.inputs.end(), found.input, found.result);
    if (found.view >= 0) program.extents = type.shape.empty() ? Shape{1} : type.shape;
    if (is_read_elsewhere(found)) {
      const int at = position(node, found.result);
      FusedStep load{}, store{};
      load.kind = StepKind::Load, load.dtype = compute_dtype(type.dtype), load.operand = at;
      store.kind = StepKind::Store, store.dtype = load.dtype;
      store.args[0] = static_cast<int>(program.steps.size());
      for (std::size_t i = 0; i < program.steps.size(); ++i) {
        if (program.steps[i].kind == StepKind::Load && program.steps[i].operand == at)
          store.args[0] = static_cast<int>(i);
      }
      if (store.args[0] == static_cast<int>(program.steps.size())) program.steps.push_back(load);
      store.operand = static_cast<int>(program.operands.size());
      program.steps.push_back(store);
      program.operands.push_back({type.dtype, {}});
      node.outputs.push_back(found.result);
    }
    node.fused = std::make_shared<const FusedProgram>(std::move(program));
    return node;
  }
  bool is_read_elsewhere(const Link& found) const { return readers_[found.result] > 1; }

  bool can_take(const OpPlan& plan, int n, const Link& found, std::string& why) const {
    const Value& value = graph_.values[found.result];
    const GraphNode& maker = graph_.nodes[value.index];
    if (!can_be_one(n, found)) return why = text("its result is read ", readers_[found.result], " times"), false;
    if (maker.phase != graph_.nodes[n].phase) return why = "the calls behind it belong to another phase", false;
    Types in;
    for (int operand : maker.inputs) in.push_back(graph_.values[operand].type);
    const GraphNode program = behind(n, found);
    FusedProgram after = first_operand(with_strides(program), position(program, found.result));
    after.operands[0].dtype = compute_dtype(value.type.dtype);  // a product of 16 bits comes rounded, but wide
    return plan.epilogue_fits(after, in, value.type, maker.attrs, &why);
  }
  // Whether the program runs over the elements of this input, and does not repeat them.
  bool spans(int n, int input) const {
    const Shape& shape = graph_.values[input].type.shape;
    return graph_.nodes[n].fused->extents == (shape.empty() ? Shape{1} : shape);
  }
  // Whether nobody else reads the result, or the program can run where the result is made.
  bool can_be_one(int n, const Link& found) const {
    if (!is_read_elsewhere(found)) return found.view < 0 || (readers_[found.input] == 1 && spans(n, found.input));
    const int made_at = graph_.values[found.result].index;
    const std::vector<int>& inputs = graph_.nodes[n].inputs;
    const bool near = are_near(graph_.nodes[made_at], graph_.nodes[n], n - made_at);
    return saves_launches_ && near && found.view < 0 && std::all_of(inputs.begin(), inputs.end(), [&](int input) {
             const Value& value = graph_.values[input];
             return input == found.result || value.origin != Origin::Node || value.index < made_at;
           });
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
  const bool saves_launches_ = target_.fusion_limits().saves_launches;
  const std::vector<int> readers_;
  std::vector<int> taken_;   // per product: the program that it does
  std::vector<bool> early_;  // per program: it runs where the product stood
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

int unsqueezed(const Graph& graph, int input) {
  const Value& value = graph.values[input];
  if (value.origin != Origin::Node) return input;
  const GraphNode& node = graph.nodes[value.index];
  if (!node.op || !node.op->view || node.op->reads_slot || node.inputs.size() != 1) return input;
  const TensorType& from = graph.values[node.inputs[0]].type;
  const std::optional<View> view = node.op->view({from.dtype, from.shape, row_major(from.shape)}, node.attrs);
  const bool same = view && view->offset == 0 && is_row_major(value.type.shape, view->strides) &&
                    from.dtype == value.type.dtype &&
                    without_leading_ones(from.shape) == without_leading_ones(value.type.shape);
  return same ? node.inputs[0] : input;
}

Graph attach_epilogues(const Graph& graph, const Target& target) { return Attacher(graph, target).run(); }

Graph attach_consumers(const Graph& graph, const Target& target) {
  const std::vector<int> readers = count_readers(graph);
  std::vector<int> taken(graph.nodes.size(), kNobody);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const int product = product_before(graph, target, readers, graph.nodes[n]);
    if (product >= 0) taken[product] = static_cast<int>(n);
  }
  return join(graph, taken, std::vector<bool>(graph.nodes.size(), false), with_consumer);
}

}  // namespace pt
