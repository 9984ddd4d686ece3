#include "ops/elementwise.h"

#include "ops/functional.h"

namespace pt {
namespace {

Shape common_shape(const InferContext& context) {
  Shape shape = context.in[0].shape;
  for (std::size_t i = 1; i < context.in.size(); ++i) {
    if (context.given[i]) shape = broadcast(shape, context.in[i].shape, context.op.name);
  }
  return shape;
}

// The whole result as one row program without reductions, over axes that the machine itself collapses.
FusedProgram begin_program(std::span<const Operand> in, const Operand& out) {
  FusedProgram program;
  program.extents = out.shape;
  if (program.extents.empty()) program.extents.push_back(1);
  program.inputs = static_cast<int>(in.size());
  auto add = [&](const Operand& operand) {
    Strides strides = broadcast_strides(operand.shape, operand.strides, out.shape);
    if (strides.empty()) strides.push_back(0);
    program.operands.push_back({operand.dtype, strides});
  };
  for (const Operand& operand : in) add(operand);
  add(out);
  if (out.shape.empty()) program.operands.back().strides[0] = 1;
  return program;
}

int load(FusedProgram& program, int operand, DType stored, DType wanted) {
  FusedStep step{};
  step.kind = StepKind::Load;
  step.dtype = register_dtype(stored);
  step.operand = operand;
  program.steps.push_back(step);
  if (register_dtype(stored) != wanted) {
    FusedStep cast{};
    cast.kind = StepKind::Cast;
    cast.dtype = wanted;
    cast.args[0] = static_cast<int>(program.steps.size()) - 1;
    program.steps.push_back(cast);
  }
  return static_cast<int>(program.steps.size()) - 1;
}

void store(FusedProgram& program, int value, const Operand& out, int operand) {
  if (register_dtype(program.steps[value].dtype) != register_dtype(out.dtype)) {
    FusedStep cast{};
    cast.kind = StepKind::Cast;
    cast.dtype = register_dtype(out.dtype);
    cast.args[0] = value;
    program.steps.push_back(cast);
    value = static_cast<int>(program.steps.size()) - 1;
  }
  FusedStep step{};
  step.kind = StepKind::Store;
  step.dtype = register_dtype(out.dtype);
  step.args[0] = value;
  step.operand = operand;
  program.steps.push_back(step);
}

}  // namespace

DType register_dtype(DType dtype) {
  switch (dtype) {
    case DType::F16:
    case DType::BF16:
    case DType::F32:
      return DType::F32;
    case DType::F64:
      return DType::F64;
    case DType::I64:
    case DType::U32:
      return DType::I64;
    case DType::U64:
      return DType::U64;
    case DType::Bool:
      return DType::Bool;
    default:
      return DType::I32;
  }
}

DType cast_dtype(DType from, DType to) {
  const bool wider = register_dtype(to) == DType::F32 && to != DType::F32 && register_dtype(from) != DType::F32;
  return wider ? to : register_dtype(to);
}

Types infer_elementwise(const InferContext& context) {
  // `where` selects by its first input, which is bool; the result has the dtype of what is selected.
  return {{context.in.back().dtype, common_shape(context)}};
}

Types infer_predicate(const InferContext& context) { return {{DType::Bool, common_shape(context)}}; }

FusedProgram elementwise_program(const Op& op, std::span<const Operand> in, const Operand& out, const Attrs& attrs) {
  FusedProgram program = begin_program(in, out);
  FusedStep step{};
  step.kind = StepKind::Math;
  step.op = op.name;
  if (op.formula) step.external = op.formula(attrs, register_dtype(out.dtype));
  for (std::size_t i = 0; i < in.size(); ++i) {
    step.args[i] = load(program, static_cast<int>(i), in[i].dtype, register_dtype(in[i].dtype));
  }
  const bool predicate = out.dtype == DType::Bool;
  step.dtype = predicate ? DType::Bool : register_dtype(out.dtype);
  program.steps.push_back(step);
  store(program, static_cast<int>(program.steps.size()) - 1, out, static_cast<int>(in.size()));
  return program;
}

FusedProgram cast_program(const Operand& in, const Operand& out) {
  const Operand inputs[] = {in};
  FusedProgram program = begin_program(inputs, out);
  const int value = load(program, 0, in.dtype, cast_dtype(in.dtype, out.dtype));
  store(program, value, out, 1);
  return program;
}

Tensor unbroadcast(const Tensor& gradient, const Shape& shape) {
  if (gradient.shape() == shape) return gradient;
  const int extra = gradient.ndim() - shape.size();
  Ints axes;
  for (int i = 0; i < gradient.ndim(); ++i) {
    if (i < extra || (shape[i - extra] == 1 && gradient.shape()[i] != 1)) axes.push_back(i);
  }
  Tensor sum = axes.empty() ? gradient : fn::sum(gradient, axes, true);
  return sum.shape() == shape ? sum : fn::reshape(sum, shape);
}

}  // namespace pt
