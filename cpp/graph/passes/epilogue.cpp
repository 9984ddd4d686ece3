#include <algorithm>

#include "graph/passes/passes.h"

namespace pt {
namespace {

class Attacher {
 public:
  explicit Attacher(const Graph& graph)
      : graph_(graph), readers_(graph.values.size(), 0), taken_(graph.nodes.size(), -1) {
    for (const GraphNode& node : graph.nodes) {
      for (int input : node.inputs) {
        if (input >= 0) ++readers_[input];
      }
    }
    for (int result : graph.results) ++readers_[result];
    for (const SlotWrite& write : graph.writes) ++readers_[write.value];
  }

  Graph run() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].fused && !graph_.nodes[n].op) choose(static_cast<int>(n));
    }
    Graph result = graph_;
    result.nodes.clear();
    std::vector<int> product_of(graph_.nodes.size(), -1);
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (taken_[n] >= 0) product_of[taken_[n]] = static_cast<int>(n);
    }
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (taken_[n] >= 0) continue;  // done where its epilogue stands
      GraphNode node = product_of[n] < 0 ? graph_.nodes[n] : combine(graph_.nodes[product_of[n]], graph_.nodes[n]);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        result.values[node.outputs[i]].index = static_cast<int>(result.nodes.size());
        result.values[node.outputs[i]].output = static_cast<int>(i);
      }
      result.nodes.push_back(std::move(node));
    }
    return result;
  }

 private:
  // The last product that this program reads and that can take it.
  void choose(int n) {
    const GraphNode& program = graph_.nodes[n];
    int best = -1;
    for (int input : program.inputs) {
      const Value& value = graph_.values[input];
      if (value.origin != Origin::Node || readers_[input] != 1) continue;
      const GraphNode& maker = graph_.nodes[value.index];
      if (!maker.op || maker.fused || !maker.op->plan_epilogue || maker.phase != program.phase ||
          taken_[value.index] >= 0)
        continue;
      if (!(value.type.shape == program.fused->extents)) continue;
      Types in;
      for (int operand : maker.inputs) in.push_back(graph_.values[operand].type);
      FusedProgram after = first_operand(with_strides(program), position(program, input));
      after.operands[0].dtype = compute_dtype(value.type.dtype);  // a product of 16 bits comes rounded, but wide
      if (!maker.op->epilogue_fits(after, in, value.type, maker.attrs)) continue;
      best = std::max(best, value.index);
    }
    if (best >= 0) taken_[best] = n;
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

  const Graph& graph_;
  std::vector<int> readers_;
  std::vector<int> taken_;  // per product: the program that it does
};

}  // namespace

Graph attach_epilogues(const Graph& graph) { return Attacher(graph).run(); }

}  // namespace pt
