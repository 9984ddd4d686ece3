// Fusion. A group has a space: the shape that its loops run over. Its members are elementwise calls of that shape, sums
// and maxima along its last axis, and calls on the per-row results of these. Law 2 holds because the machine does each
// member's formula, with its rounding, element by element: only memory traffic goes away.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "graph/passes/groups.h"
#include "graph/passes/passes.h"
#include "ops/functional.h"
#include "ops/fused/machine.h"

namespace pt {
namespace {

constexpr int kMaxOperands = 24;
constexpr int kMaxMembers = 48;
// A single long row is shared among threads only when nothing after its reduction needs the row again.
constexpr int64_t kFewRows = 16;
constexpr int64_t kLongRow = 4096;

std::optional<StepKind> row_reduction(const Graph& graph, const GraphNode& node) {
  if (!node.op) return std::nullopt;
  const bool sum = node.op->name == "sum", max = node.op->name == "max", min = node.op->name == "min";
  if (!sum && !max && !min) return std::nullopt;
  const TensorType& type = graph.values[node.inputs[0]].type;
  if (!node.attrs.flag("keepdims") || !node.attrs.has("axis") || type.shape.empty() || type.shape.back() == 0) return std::nullopt;
  const Ints& axes = node.attrs.ints("axis");
  if (axes.size() != 1 || (axes[0] != -1 && axes[0] != type.shape.size() - 1)) return std::nullopt;
  if (!is_float(type.dtype)) return std::nullopt;
  return sum ? StepKind::RowSum : max ? StepKind::RowMax : StepKind::RowMin;
}

// Values of these dtypes live in registers as they live in memory; the narrow ones are rounded by a store.
bool register_exact(DType dtype) { return register_dtype(dtype) == dtype; }

Shape row_of(Shape shape) {
  if (!shape.empty()) shape[shape.size() - 1] = 1;
  return shape;
}

class Fuser {
 public:
  explicit Fuser(const Graph& graph) : graph_(graph), groups_(graph), space_(graph.nodes.size()) {}

  Graph run() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) grow(static_cast<int>(n));
    return emit();
  }

 private:
  static bool fusible(const Graph& graph, const GraphNode& node) {
    if (!node.op) return false;
    for (int output : node.outputs) {
      if (count(graph.values[output].type.shape) == 0) return false;
    }
    return node.op->elementwise || node.op->name == "cast" || node.op->name == "random_uniform" ||
           row_reduction(graph, node).has_value();
  }

  Shape own_space(const GraphNode& node) const {
    return row_reduction(graph_, node) ? graph_.values[node.inputs[0]].type.shape : graph_.values[node.outputs[0]].type.shape;
  }

  // Whether node n can be a member of a group with this space; per-row results are reused only where rows are many.
  bool fits(int n, const Shape& space, int group) const {
    const GraphNode& node = graph_.nodes[n];
    const bool serial = count(space) / std::max<int64_t>(1, space.empty() ? 1 : space.back()) < kFewRows &&
                        !space.empty() && space.back() > kLongRow;
    for (int input : node.inputs) {
      const Value& value = graph_.values[input];
      if (value.origin != Origin::Node || groups_.group_of(value.index) != group) continue;
      if (!register_exact(value.type.dtype)) return false;
      const bool row = is_row_value(value.index, space);
      if (row && serial) return false;
      if (!row && value.type.shape != space) return false;
    }
    if (row_reduction(graph_, node)) return graph_.values[node.inputs[0]].type.shape == space;
    const Shape& shape = graph_.values[node.outputs[0]].type.shape;
    if (shape == space) return true;
    if (node.op->name == "random_uniform" || shape != row_of(space)) return false;
    // A per-row member: every member that it reads is per-row too.
    for (int input : node.inputs) {
      const Value& value = graph_.values[input];
      if (value.origin == Origin::Node && groups_.group_of(value.index) == group && !is_row_value(value.index, space)) return false;
    }
    return true;
  }

  bool is_row_value(int node, const Shape& space) const {
    const Shape& shape = graph_.values[graph_.nodes[node].outputs[0]].type.shape;
    if (row_reduction(graph_, graph_.nodes[node])) return true;
    return shape == row_of(space) && shape != space;
  }

  void grow(int n) {
    const GraphNode& node = graph_.nodes[n];
    space_[n] = Shape();
    if (!fusible(graph_, node)) return;
    space_[n] = own_space(node);
    std::vector<int> joined = {n};
    for (int input : node.inputs) {
      const Value& value = graph_.values[input];
      if (value.origin != Origin::Node) continue;
      const int maker = groups_.group_of(value.index);
      if (maker == groups_.group_of(n) || graph_.nodes[value.index].phase != node.phase) continue;
      if (!fusible(graph_, graph_.nodes[value.index])) continue;
      const Shape space = space_[maker];
      if (groups_.members(groups_.group_of(n)).size() > 1 && space != space_[groups_.group_of(n)]) continue;
      if (!fits(n, space, maker)) continue;
      std::vector<int> candidates = {maker, groups_.group_of(n)};
      if (!small_enough(candidates) || !groups_.can_join(candidates)) continue;
      const int merged = groups_.join(candidates);
      space_[merged] = space;
    }
  }

  bool small_enough(const std::vector<int>& groups) const {
    std::size_t members = 0;
    std::map<int, bool> operands;
    for (int g : groups) {
      members += groups_.members(g).size();
      for (int node : groups_.members(g)) {
        for (int input : graph_.nodes[node].inputs) operands[input] = true;
        operands[graph_.nodes[node].outputs[0]] = true;
      }
    }
    if (members > kMaxMembers) return false;
    // Values inside the group are counted too, as if each were stored: a bound, not the exact number.
    return operands.size() <= kMaxOperands + members;
  }

  Graph emit();
  GraphNode build(int group, const std::vector<bool>& used_outside) const;
  std::vector<bool> used_outside() const;

  const Graph& graph_;
  Groups groups_;
  std::vector<Shape> space_;
};

std::vector<bool> Fuser::used_outside() const {
  std::vector<bool> used(graph_.values.size(), false);
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    for (int input : graph_.nodes[n].inputs) {
      if (input < 0 || graph_.values[input].origin != Origin::Node) continue;
      if (groups_.group_of(graph_.values[input].index) != groups_.group_of(static_cast<int>(n))) used[input] = true;
    }
  }
  for (int result : graph_.results) used[result] = true;
  for (const SlotWrite& write : graph_.writes) used[write.value] = true;
  return used;
}

// Writes the steps of one group.
class ProgramWriter {
 public:
  ProgramWriter(const Graph& graph, const Shape& space) : graph_(graph) {
    program_.extents = space;
    if (space.empty()) program_.extents.push_back(1);
  }

  int value_step(int value) {
    auto found = steps_.find(value);
    if (found != steps_.end()) return found->second;
    const TensorType& type = graph_.values[value].type;
    FusedStep step{};
    step.dtype = register_dtype(type.dtype);
    double number = 0;
    if (constant(value, number)) {
      step.kind = StepKind::Constant;
      step.value = number;
    } else {
      step.kind = StepKind::Load;
      step.operand = operand(value);
    }
    return steps_[value] = push(step);
  }

  int operand(int value) {
    auto at = std::find(inputs_.begin(), inputs_.end(), value);
    if (at == inputs_.end()) {
      inputs_.push_back(value);
      return static_cast<int>(inputs_.size()) - 1;
    }
    return static_cast<int>(at - inputs_.begin());
  }

  void member(const GraphNode& node) {
    FusedStep step{};
    step.dtype = register_dtype(graph_.values[node.outputs[0]].type.dtype);
    if (auto reduction = row_reduction(graph_, node)) {
      step.kind = *reduction;
    } else if (node.op->name == "cast") {
      step.kind = StepKind::Cast;
    } else if (node.op->name == "random_uniform") {
      step.kind = StepKind::Uniform;
      step.operand = operand(node.inputs[0]);
      step.ordinal = node.attrs.integer("ordinal");
      steps_[node.outputs[0]] = push(step);
      return;
    } else {
      step.kind = StepKind::Math;
      step.op = node.op->name;
    }
    for (std::size_t i = 0; i < node.inputs.size(); ++i) step.args[i] = value_step(node.inputs[i]);
    int made;
    if (step.kind == StepKind::Cast && program_.steps[step.args[0]].dtype == step.dtype) {
      made = step.args[0];   // between dtypes that share a register: the store rounds
    } else {
      made = push(step);
    }
    steps_[node.outputs[0]] = made;
  }

  GraphNode finish(const std::vector<int>& stored) {
    program_.inputs = static_cast<int>(inputs_.size());
    for (int value : inputs_) program_.operands.push_back({graph_.values[value].type.dtype, {}});
    for (int value : stored) {
      FusedStep step{};
      step.kind = StepKind::Store;
      step.dtype = register_dtype(graph_.values[value].type.dtype);
      step.args[0] = steps_[value];
      step.operand = static_cast<int>(program_.operands.size());
      push(step);
      program_.operands.push_back({graph_.values[value].type.dtype, {}});
    }
    GraphNode node;
    node.inputs = inputs_;
    node.outputs = stored;
    node.fused = std::make_shared<const FusedProgram>(std::move(program_));
    return node;
  }

 private:
  int push(const FusedStep& step) {
    program_.steps.push_back(step);
    return static_cast<int>(program_.steps.size()) - 1;
  }

  bool constant(int value, double& number) const {
    if (graph_.values[value].origin != Origin::Constant) return false;
    const Tensor& tensor = graph_.constants[graph_.values[value].index];
    for (int i = 0; i < tensor.ndim(); ++i) {
      if (tensor.shape()[i] != 1 && tensor.strides()[i] != 0) return false;
    }
    if (tensor.size() == 0) return false;
    const Tensor one = Tensor::view(tensor.impl().buffer, {tensor.dtype(), {}}, {}, tensor.impl().offset);
    number = one.item();
    return std::fabs(number) <= 0x1p53 || is_float(tensor.dtype());
  }

  const Graph& graph_;
  FusedProgram program_;
  std::map<int, int> steps_;    // value -> step
  std::vector<int> inputs_;
};

GraphNode Fuser::build(int group, const std::vector<bool>& used) const {
  ProgramWriter writer(graph_, space_[group]);
  std::vector<int> stored;
  std::vector<std::string> names;
  for (int n : groups_.members(group)) {
    writer.member(graph_.nodes[n]);
    names.push_back(graph_.nodes[n].op->name);
    if (used[graph_.nodes[n].outputs[0]]) stored.push_back(graph_.nodes[n].outputs[0]);
  }
  GraphNode node = writer.finish(stored);
  node.names = std::move(names);
  node.phase = graph_.nodes[groups_.members(group).back()].phase;
  node.location = graph_.nodes[groups_.members(group).front()].location;
  return node;
}

Graph Fuser::emit() {
  const std::vector<bool> used = used_outside();
  Graph result = graph_;
  result.nodes.clear();
  for (int group : groups_.order()) {
    const std::vector<int>& members = groups_.members(group);
    GraphNode node = members.size() == 1 ? graph_.nodes[members[0]] : build(group, used);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      result.values[node.outputs[i]].index = static_cast<int>(result.nodes.size());
      result.values[node.outputs[i]].output = static_cast<int>(i);
    }
    result.nodes.push_back(std::move(node));
  }
  return result;
}

}  // namespace

Graph fuse(const Graph& graph) { return Fuser(graph).run(); }

}  // namespace pt
