// Operands, attributes and programs as abi/device.h has them, and the launches that come back.
#include <algorithm>

#include "core/error.h"
#include "ops/fused/machine.h"
#include "ops/loaded_device.h"

namespace pt {
namespace {

static_assert(kMaxDims <= PTD_MOST_AXES);

PtdOperand ptd_operand(DType dtype, const Shape& shape, const Strides& strides) {
  PtdOperand made{};
  made.dtype = static_cast<int32_t>(dtype);
  made.ndim = shape.size();
  for (int i = 0; i < shape.size(); ++i) made.shape[i] = shape[i], made.strides[i] = strides[i];
  return made;
}

std::vector<PtdOperand> ptd_operands(std::span<const Operand> operands) {
  std::vector<PtdOperand> made;
  for (const Operand& o : operands) made.push_back(ptd_operand(o.dtype, o.shape, o.strides));
  return made;
}

// Points into the attribute, which outlives it.
PtdAttribute ptd_attribute(const std::string& name, const Attr& value) {
  PtdAttribute made{};
  made.name = name.c_str();
  made.kind = PTD_NONE;
  if (auto* b = std::get_if<bool>(&value)) made.kind = PTD_BOOL, made.value.integer = *b;
  if (auto* i = std::get_if<int64_t>(&value)) made.kind = PTD_INTEGER, made.value.integer = *i;
  if (auto* d = std::get_if<double>(&value)) made.kind = PTD_NUMBER, made.value.number = *d;
  if (auto* s = std::get_if<std::string>(&value)) made.kind = PTD_TEXT, made.value.text = s->c_str();
  if (auto* t = std::get_if<DType>(&value)) made.kind = PTD_DTYPE, made.value.integer = static_cast<int64_t>(*t);
  if (auto* v = std::get_if<Ints>(&value)) {
    made.kind = PTD_INTEGERS;
    made.count = static_cast<int32_t>(v->size());
    made.value.integers = v->data();
  }
  return made;
}

// Collects what the library adds. The callbacks are the library's to call, and may not throw into it.
struct Collected {
  LaunchPlan plan;
  bool out_of_memory = false;
  PtdPlan door{this, &add, &workspace};

  static void add(void* self, const PtdLaunch* given) {
    auto& collected = *static_cast<Collected*>(self);
    try {
      Launch launch;
      launch.kernel = given->kernel;
      launch.desc = Descriptor::from_bytes(given->desc, static_cast<std::size_t>(given->desc_bytes));
      launch.chunks = given->blocks;
      launch.flops = given->flops;
      launch.bytes = given->bytes;
      launch.operands.assign(given->operands, given->operands + given->n_operands);
      launch.byte_offsets.assign(given->byte_offsets, given->byte_offsets + given->n_offsets);
      collected.plan.launches.push_back(std::move(launch));
    } catch (const std::bad_alloc&) {
      collected.out_of_memory = true;
    }
  }
  static void workspace(void* self, int64_t bytes) {
    auto& plan = static_cast<Collected*>(self)->plan;
    plan.workspace_bytes = std::max(plan.workspace_bytes, bytes);
  }
  LaunchPlan finished(bool made, const PtdFailure& failure) {
    if (!made) throw_failure(failure);
    if (out_of_memory) throw std::bad_alloc();
    return std::move(plan);
  }
};

// A program, as long as this lives.
struct PtdProgram {
  PtdFused fused{};

  explicit PtdProgram(const FusedProgram& program) {
    for (const FusedOperand& o : program.operands)
      operands_.push_back(ptd_operand(o.dtype, program.extents, o.strides));
    for (const FusedStep& step : program.steps) {
      PtdStep made{};
      made.kind = static_cast<int32_t>(step.kind);
      made.dtype = static_cast<int32_t>(step.dtype);
      made.op = step.op.c_str();
      std::copy(step.args.begin(), step.args.end(), made.args);
      made.operand = step.operand;
      made.value = step.value;
      made.ordinal = step.ordinal;
      steps_.push_back(made);
    }
    fused.ndim = program.extents.size();
    for (int i = 0; i < program.extents.size(); ++i) fused.extents[i] = program.extents[i];
    fused.inputs = program.inputs;
    fused.n_operands = static_cast<int32_t>(operands_.size());
    fused.n_steps = static_cast<int32_t>(steps_.size());
    fused.operands = operands_.data();
    fused.steps = steps_.data();
  }
  PtdProgram(const PtdProgram&) = delete;
  PtdProgram& operator=(const PtdProgram&) = delete;

 private:
  std::vector<PtdOperand> operands_;
  std::vector<PtdStep> steps_;
};

std::vector<PtdAttribute> ptd_attributes(const Attrs& attrs) {
  std::vector<PtdAttribute> attributes;
  for (const auto& [name, value] : attrs.items()) attributes.push_back(ptd_attribute(name, value));
  return attributes;
}

}  // namespace

LaunchPlan loaded_plan(const PtdDevice& table, const Op& op, std::span<const Operand> in, std::span<const Operand> out,
                       const Attrs& attrs, bool printed) {
  const std::vector<PtdOperand> inputs = ptd_operands(in), outputs = ptd_operands(out);
  const std::vector<PtdAttribute> attributes = ptd_attributes(attrs);
  Collected collected;
  PtdFailure failure{};
  const bool made = table.plan(table.self, op.name.c_str(), inputs.data(), static_cast<int32_t>(inputs.size()),
                               outputs.data(), static_cast<int32_t>(outputs.size()), attributes.data(),
                               static_cast<int32_t>(attributes.size()), printed, &collected.door, &failure);
  return collected.finished(made, failure);
}

LaunchPlan loaded_kernel_plan(const PtdDevice& table, const DeviceKernel& kernel, std::span<const Operand> in,
                              std::span<const Operand> out) {
  std::vector<const char*> options;
  for (const std::string& option : kernel.options) options.push_back(option.c_str());
  PtdKernel given{};
  given.name = kernel.name.c_str();
  given.function = kernel.function.c_str();
  given.source = kernel.handle ? nullptr : kernel.source.c_str();
  given.handle = kernel.handle;
  given.options = options.data();
  given.n_options = static_cast<int32_t>(options.size());
  given.threads = kernel.threads;
  given.n_operands = static_cast<int32_t>(in.size() + out.size());
  given.elements = count(out[0].shape);
  given.parameters = kernel.parameters.data();
  given.n_parameters = static_cast<int32_t>(kernel.parameters.size());
  Collected collected;
  PtdFailure failure{};
  const bool made = table.plan_kernel(table.self, &given, &collected.door, &failure);
  LaunchPlan plan = collected.finished(made, failure);
  for (auto side : {in, out}) {
    for (const Operand& o : side)
      plan.launches[0].bytes += static_cast<double>(count(o.shape)) * static_cast<double>(size_of(o.dtype));
  }
  return plan;
}

LaunchPlan loaded_fused_plan(const PtdDevice& table, const FusedProgram& program, bool printed) {
  PtdProgram given(program);
  given.fused.printed = printed;
  Collected collected;
  PtdFailure failure{};
  const bool made = table.plan_fused(table.self, &given.fused, &collected.door, &failure);
  return collected.finished(made, failure);
}

bool loaded_takes_epilogue(const PtdDevice& table, const Op& op, const Types& in, const TensorType& result,
                           const FusedProgram& program, const Attrs& attrs, std::string* why) {
  const PtdProgram given(program);
  const std::vector<PtdAttribute> attributes = ptd_attributes(attrs);
  std::vector<PtdOperand> inputs;
  for (const TensorType& type : in) inputs.push_back(ptd_operand(type.dtype, type.shape, row_major(type.shape)));
  const PtdOperand product = ptd_operand(result.dtype, result.shape, row_major(result.shape));
  PtdFailure failure{};
  const bool takes =
      table.takes_epilogue(table.self, op.name.c_str(), inputs.data(), static_cast<int32_t>(inputs.size()), &product,
                           attributes.data(), static_cast<int32_t>(attributes.size()), &given.fused, &failure);
  if (!takes && why) *why = failure.text;
  return takes;
}

LaunchPlan loaded_epilogue_plan(const PtdDevice& table, const Op& op, std::span<const Operand> in,
                                const TensorType& result, const FusedProgram& program, const Attrs& attrs,
                                bool printed) {
  PtdProgram given(program);
  given.fused.printed = printed;
  const std::vector<PtdAttribute> attributes = ptd_attributes(attrs);
  const std::vector<PtdOperand> inputs = ptd_operands(in);
  const PtdOperand product = ptd_operand(result.dtype, result.shape, row_major(result.shape));
  Collected collected;
  PtdFailure failure{};
  const bool made = table.plan_epilogue(table.self, op.name.c_str(), inputs.data(), static_cast<int32_t>(inputs.size()),
                                        &product, attributes.data(), static_cast<int32_t>(attributes.size()),
                                        &given.fused, &collected.door, &failure);
  return collected.finished(made, failure);
}

}  // namespace pt
