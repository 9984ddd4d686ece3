// What follows a product in the same chunks: a fused program over rectangles of C.
#include "core/error.h"
#include "ops/matmul/plan.h"
#include "ops/matmul/product.h"
#include "parallel/kernel_table.h"

namespace pt {

bool epilogue_fits(const FusedProgram& program, const Shape& shape, DType product, std::string* why) {
  const auto refuse = [&](const std::string& reason) {
    if (why) *why = reason;
    return false;
  };
  if (program.extents != shape)
    return refuse(text("the epilogue runs over ", program.extents, "; the product's shape ", shape,
                       " is expected; broadcast its operands"));
  const int operands = static_cast<int>(program.operands.size());
  if (program.inputs < 1 || operands > kMaxEpilogueOperands)
    return refuse(text("the epilogue has ", operands, " operands, ", program.inputs,
                       " of them inputs; the product as the first input, and at most ", kMaxEpilogueOperands,
                       " in all, are expected; fuse less"));
  if (program.operands[0].dtype != compute_dtype(product))
    return refuse(text("the epilogue's operand 0 is ", info(program.operands[0].dtype).brief, "; ",
                       info(compute_dtype(product)).brief, ", in which the product is computed, is expected; declare ",
                       "it so"));
  for (const FusedStep& step : program.steps) {
    if (reduces_row(step.kind))
      return refuse("the epilogue reduces a row; only elementwise steps are expected; run it as a program of its own");
    if (step.kind == StepKind::ColumnSum)
      return refuse(
          "the epilogue adds up columns; only elementwise steps are expected; run it as a program of its own");
    // A random number belongs to an element's index in all of C, which a rectangle of one batch item does not know.
    if (step.kind == StepKind::Uniform && shape.size() > 2)
      return refuse("the epilogue draws random numbers over batch axes; two axes are expected; reshape to rows");
  }
  return true;
}

FusedProgram follow(MatmulProblem& p, const FusedProgram& program, const Batch& batch, int first) {
  p.epilogue_operands = static_cast<int32_t>(program.operands.size());
  FusedProgram flat = program;
  flat.extents = {p.rows, p.cols};
  for (int i = 1; i < p.epilogue_operands; ++i) {
    const Walk& walk = batch.walks[first + i];
    const FusedOperand& operand = program.operands[i];
    flat.operands[i].strides = {walk.row, operand.strides.empty() ? 0 : operand.strides.back()};
    for (int axis = 0; axis < batch.extents.size(); ++axis)
      p.epilogue_batch[i][axis] = walk.batch[axis] * static_cast<int64_t>(size_of(operand.dtype));
  }
  return flat;
}

void hand_to(MatmulProblem& p, const RowConsumer& consumer, const PlanContext& context) {
  p.consumer_rows = consumer.rows;
  p.consumer = kernels_of(consumer.launch.kernel, context.isa)[consumer.launch.variant];
  p.consumer_at = p.epilogue_at + p.epilogue_operands - 2;
  p.consumer_outputs = consumer.outputs;
  p.workspace_at = p.consumer_at + consumer.outputs;
}

}  // namespace pt
