#include "ops/functional.h"
#include "ops/fused/programs.h"

namespace pt {

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

int load_step(FusedProgram& program, int operand, DType stored, DType wanted) {
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

void store_step(FusedProgram& program, int value, const Operand& out, int operand) {
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

FusedProgram cast_program(const Operand& in, const Operand& out) {
  const Operand inputs[] = {in};
  FusedProgram program = begin_program(inputs, out);
  const int value = load_step(program, 0, in.dtype, cast_dtype(in.dtype, out.dtype));
  store_step(program, value, out, 1);
  return program;
}

FusedProgram uniform_program(const Operand& state, const Operand& out, int64_t ordinal) {
  FusedProgram program;
  program.extents = out.shape;
  Strides strides = out.strides;
  if (out.shape.empty()) program.extents.push_back(1), strides.push_back(1);
  Strides one = strides;
  for (int i = 0; i < one.size(); ++i) one[i] = 0;
  program.inputs = 1;
  program.operands = {{state.dtype, one}, {out.dtype, strides}};
  FusedStep draw{};
  draw.kind = StepKind::Uniform;
  draw.dtype = register_dtype(out.dtype);
  draw.operand = 0;
  draw.ordinal = ordinal;
  FusedStep keep{};
  keep.kind = StepKind::Store;
  keep.dtype = draw.dtype;
  keep.args[0] = 0;
  keep.operand = 1;
  program.steps = {draw, keep};
  return program;
}

}  // namespace pt
