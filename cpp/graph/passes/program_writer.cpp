#include "graph/passes/program_writer.h"

#include <algorithm>
#include <cmath>

#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {

std::optional<StepKind> row_reduction(const Graph& graph, const GraphNode& node) {
  if (!node.op || !node.op->reduces_rows) return std::nullopt;
  const TensorType& type = graph.values[node.inputs[0]].type;
  if (!node.attrs.flag("keepdims") || !node.attrs.has("axis") || type.shape.empty() || type.shape.back() == 0)
    return std::nullopt;
  const Ints& axes = node.attrs.ints("axis");
  if (axes.size() != 1 || (axes[0] != -1 && axes[0] != type.shape.size() - 1)) return std::nullopt;
  if (!is_float(type.dtype)) return std::nullopt;
  return node.op->reduces_rows;
}

int64_t rows_of_column_sum(const Graph& graph, const GraphNode& node) {
  if (!node.op || node.op->reduces_rows != StepKind::RowSum) return 0;
  const TensorType& type = graph.values[node.inputs[0]].type;
  if (!node.attrs.flag("keepdims") || !is_float(type.dtype) || type.shape.size() < 2 || count(type.shape) == 0)
    return 0;
  if (type.shape.back() == 1) return 0;  // without that axis it is a row, whose sum has another order
  const int last = type.shape.size() - 1;
  const Ints summed = reduced_axes(node.attrs, last + 1, node.op->name);
  if (summed.empty() || summed.back() == last) return 0;
  int64_t rows = 1;
  int axis = last - 1;
  for (; axis >= 0 && (contains(summed, axis) || type.shape[axis] == 1); --axis) rows *= type.shape[axis];
  for (; axis >= 0; --axis) {
    if (contains(summed, axis) && type.shape[axis] != 1) return 0;
  }
  return rows;
}

bool register_exact(DType dtype) { return register_dtype(dtype) == dtype; }

ProgramWriter::ProgramWriter(const Graph& graph, const Shape& space) : graph_(graph) {
  program_.extents = space;
  if (space.empty()) program_.extents.push_back(1);
}

int ProgramWriter::value_step(int value) {
  const TensorType& type = graph_.values[value].type;
  auto found = steps_.find(value);
  if (found != steps_.end()) {
    if (!register_exact(type.dtype) && exact_.insert(value).second) found->second = rounded(found->second, type.dtype);
    return found->second;
  }
  exact_.insert(value);
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

int ProgramWriter::rounded(int step, DType dtype) {
  FusedStep cast{};
  cast.kind = StepKind::Cast;
  cast.dtype = dtype;
  cast.args[0] = step;
  return push(cast);
}

int ProgramWriter::operand(int value) {
  auto at = std::find(inputs_.begin(), inputs_.end(), value);
  if (at == inputs_.end()) {
    inputs_.push_back(value);
    return static_cast<int>(inputs_.size()) - 1;
  }
  return static_cast<int>(at - inputs_.begin());
}

void ProgramWriter::member(const GraphNode& node) {
  FusedStep step{};
  step.dtype = register_dtype(graph_.values[node.outputs[0]].type.dtype);
  if (auto reduction = row_reduction(graph_, node)) {
    step.kind = *reduction;
  } else if (rows_of_column_sum(graph_, node) > 0) {
    step.kind = StepKind::ColumnSum;
  } else if (node.op->casts) {
    step.kind = StepKind::Cast;
    step.dtype = cast_dtype(graph_.values[node.inputs[0]].type.dtype, graph_.values[node.outputs[0]].type.dtype);
  } else if (node.op->draws) {
    step.kind = StepKind::Uniform;
    step.operand = operand(node.inputs[0]);
    step.ordinal = node.attrs.integer("ordinal");
    steps_[node.outputs[0]] = push(step);
    return;
  } else {
    step.kind = StepKind::Math;
    step.op = node.op->name;
    if (node.op->formula) step.external = node.op->formula(node.attrs, step.dtype);
  }
  for (std::size_t i = 0; i < node.inputs.size(); ++i) step.args[i] = value_step(node.inputs[i]);
  int made;
  if (step.kind == StepKind::Cast && program_.steps[step.args[0]].dtype == step.dtype) {
    made = step.args[0];  // between dtypes that share a register: the store rounds
  } else {
    made = push(step);
  }
  steps_[node.outputs[0]] = made;
}

GraphNode ProgramWriter::finish(const std::vector<int>& stored) {
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

int ProgramWriter::push(const FusedStep& step) {
  program_.steps.push_back(step);
  return static_cast<int>(program_.steps.size()) - 1;
}

bool ProgramWriter::constant(int value, double& number) const {
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

}  // namespace pt
