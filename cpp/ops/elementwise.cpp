#include "ops/elementwise.h"

#include "ops/functional.h"
#include "ops/fused/programs.h"

namespace pt {
namespace {

Shape common_shape(const InferContext& context) {
  Shape shape = context.in[0].shape;
  for (std::size_t i = 1; i < context.in.size(); ++i) {
    if (context.given[i]) shape = broadcast(shape, context.in[i].shape, context.op.name);
  }
  return shape;
}

}  // namespace

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
    step.args[i] = load_step(program, static_cast<int>(i), in[i].dtype, register_dtype(in[i].dtype));
  }
  const bool predicate = out.dtype == DType::Bool;
  step.dtype = predicate ? DType::Bool : register_dtype(out.dtype);
  program.steps.push_back(step);
  store_step(program, static_cast<int>(program.steps.size()) - 1, out, static_cast<int>(in.size()));
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
