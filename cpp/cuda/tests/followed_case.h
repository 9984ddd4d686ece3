// Ops whose result a program goes through before it is stored, beside the op and the program one after the other: the
// same bits, since the kernels add in the same order.
#pragma once
#include <string>
#include <vector>

#include "cuda/plans.h"
#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace pt::check {

inline Operand result_of(DType dtype, const Shape& shape) { return {dtype, shape, row_major(shape)}; }

// A program of floats in F32 registers, step by step; operand 0 is the result.
struct Program {
  FusedProgram made;
  std::vector<Array> others, results;

  explicit Program(const Shape& space) {
    made.extents = space;
    made.operands.push_back({DType::F32, row_major(space)});
    made.inputs = 1;
  }
  int push(FusedStep step) {
    made.steps.push_back(std::move(step));
    return static_cast<int>(made.steps.size()) - 1;
  }
  int load(int operand) {
    FusedStep step{};
    step.kind = StepKind::Load, step.operand = operand;
    return push(step);
  }
  int other(const Array& array) {
    const Operand& o = array.operand();
    made.operands.push_back({o.dtype, broadcast_strides(o.shape, o.strides, made.extents)});
    others.push_back(array);
    return load(made.inputs++);
  }
  int number(double value) {
    FusedStep step{};
    step.kind = StepKind::Constant, step.value = value;
    return push(step);
  }
  int math(const char* op, int a, int b = -1) {
    FusedStep step{};
    step.kind = StepKind::Math, step.op = op, step.args = {a, b, -1, -1};
    return push(step);
  }
  int rounded(DType dtype, int a) {
    FusedStep step{};
    step.kind = StepKind::Cast, step.dtype = dtype, step.args = {a, -1, -1, -1};
    return push(step);
  }
  void store(int value, DType dtype) {
    FusedStep step{};
    step.kind = StepKind::Store, step.args = {value, -1, -1, -1}, step.operand = static_cast<int>(made.operands.size());
    push(step);
    results.emplace_back(dtype, made.extents);
    made.operands.push_back({dtype, row_major(made.extents)});
  }
};

// The op's own plan, then the program's.
inline std::vector<Array> one_after_the_other(const std::string& op, const Attrs& attrs, const std::vector<Array>& in,
                                              const Operand& type, const Program& program, int units) {
  std::vector<Array> result = {Array(type.dtype, type.shape)};
  std::vector<Operand> operands;
  for (const Array& array : in) operands.push_back(array.operand());
  const std::vector<Operand> out = {result[0].operand()};
  run_cuda(op, (*cuda::cuda_plan(op))({operands, out, attrs, 90, units}), in, result);
  FusedProgram behind = program.made;
  behind.operands[0].dtype = type.dtype;
  std::vector<Array> inputs = {result[0]}, results = program.results;
  inputs.insert(inputs.end(), program.others.begin(), program.others.end());
  run_cuda("program", cuda::plan_fused(behind, 90, units, false), inputs, results);
  return results;
}

// Both ways have the same bits. Returns the kernels of the plan.
inline std::vector<std::string> check_followed(const std::string& what, const std::string& op, const Attrs& attrs,
                                               const std::vector<Array>& in, const Operand& type,
                                               const Program& program, int units = 3) {
  const cuda::CudaEpilogue& epilogue = *cuda::cuda_epilogue(op);
  std::vector<Operand> operands;
  for (const Array& array : in) operands.push_back(array.operand());
  std::string why;
  if (!epilogue.takes({operands, type, program.made, attrs}, &why)) {
    report(false, __FILE__, __LINE__, text(what, ": ", why));
    return {};
  }
  const std::vector<Array> want = one_after_the_other(op, attrs, in, type, program, units);
  std::vector<Array> inputs = in;
  inputs.insert(inputs.end(), program.others.begin(), program.others.end());
  const LaunchPlan plan = epilogue.plan({operands, type, program.made, attrs, 90, units});
  for (uint32_t order : {0, 1}) {
    std::vector<Array> made = program.results;
    run_cuda(what, plan, inputs, made, order);
    for (std::size_t i = 0; i < made.size(); ++i)
      report(made[i].memory() == want[i].memory(), __FILE__, __LINE__, text(what, ": result ", i, " differs"));
  }
  std::vector<std::string> kernels;
  for (const Launch& launch : plan.launches) kernels.push_back(launch.kernel);
  return kernels;
}

}  // namespace pt::check
