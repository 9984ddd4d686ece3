#include "cuda/runtime/call.h"

#include <span>

#include "core/error.h"

namespace pt::cuda {
namespace {

DType dtype_of(int64_t number) {
  if (number < 0 || number >= kDTypes) {
    throw DTypeError(text("[cuda] dtype number ", number, "; expected 0 to ", kDTypes - 1,
                          "; install powertrain and powertrain-cuda of the same version"));
  }
  return static_cast<DType>(number);
}

Dims dims_of(const int64_t* sizes, int32_t count) {
  return Dims(std::span<const int64_t>(sizes, static_cast<std::size_t>(count)));
}

Attr attr_of(const PtdAttribute& attribute) {
  const auto& value = attribute.value;
  switch (attribute.kind) {
    case PTD_NONE:
      return std::monostate{};
    case PTD_BOOL:
      return value.integer != 0;
    case PTD_INTEGER:
      return value.integer;
    case PTD_NUMBER:
      return value.number;
    case PTD_TEXT:
      return std::string(value.text);
    case PTD_INTEGERS:
      return Ints(value.integers, value.integers + attribute.count);
    case PTD_DTYPE:
      return dtype_of(value.integer);
    default:
      throw Error(text("[cuda] attribute ", attribute.name, " is of kind ", attribute.kind, "; expected 0 to ",
                       static_cast<int>(PTD_DTYPE), "; install powertrain and powertrain-cuda of the same version"));
  }
}

FusedStep step_of(const PtdStep& step) {
  FusedStep made;
  made.kind = static_cast<StepKind>(step.kind);
  made.op = step.op ? step.op : "";
  made.dtype = dtype_of(step.dtype);
  for (std::size_t i = 0; i < made.args.size(); ++i) made.args[i] = step.args[i];
  made.value = step.value;
  made.operand = step.operand;
  made.ordinal = step.ordinal;
  return made;
}

}  // namespace

std::vector<Operand> operands_of(const PtdOperand* operands, int32_t count) {
  std::vector<Operand> made;
  made.reserve(static_cast<std::size_t>(count));
  for (const PtdOperand& o : std::span(operands, static_cast<std::size_t>(count))) {
    made.push_back({dtype_of(o.dtype), dims_of(o.shape, o.ndim), dims_of(o.strides, o.ndim)});
  }
  return made;
}

Attrs attrs_of(const PtdAttribute* attributes, int32_t count) {
  Attrs made;
  for (const PtdAttribute& a : std::span(attributes, static_cast<std::size_t>(count))) made.set(a.name, attr_of(a));
  return made;
}

FusedProgram program_of(const PtdFused& program) {
  FusedProgram made;
  made.extents = dims_of(program.extents, program.ndim);
  made.inputs = program.inputs;
  for (const PtdOperand& o : std::span(program.operands, static_cast<std::size_t>(program.n_operands))) {
    made.operands.push_back({dtype_of(o.dtype), dims_of(o.strides, o.ndim)});
  }
  for (const PtdStep& step : std::span(program.steps, static_cast<std::size_t>(program.n_steps))) {
    made.steps.push_back(step_of(step));
  }
  return made;
}

void give_plan(const LaunchPlan& plan, const PtdPlan& to) {
  to.workspace(to.plan, plan.workspace_bytes);
  for (const Launch& launch : plan.launches) {
    const PtdLaunch given{.kernel = launch.kernel.c_str(),
                          .desc = launch.desc.data(),
                          .desc_bytes = static_cast<int64_t>(launch.desc.size()),
                          .blocks = launch.chunks,
                          .flops = launch.flops,
                          .bytes = launch.bytes,
                          .operands = launch.operands.data(),
                          .n_operands = static_cast<int32_t>(launch.operands.size()),
                          .n_offsets = static_cast<int32_t>(launch.byte_offsets.size()),
                          .byte_offsets = launch.byte_offsets.data()};
    to.add(to.plan, &given);
  }
}

}  // namespace pt::cuda
