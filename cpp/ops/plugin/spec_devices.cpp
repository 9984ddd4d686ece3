// A plugin's kernel where no code of the host runs. In a backend it is its reference. On devices in libraries of their
// own it is its code for them, which is an op of its own, or its reference. Such an op is made where the target first
// asks for the definition, behind gradients.
#include <algorithm>

#include "core/error.h"
#include "ops/expand.h"
#include "ops/functional.h"
#include "ops/loaded_device.h"
#include "ops/plugin/plan.h"

namespace pt {
namespace {

// What chooses a function: the dtype of the inputs that are promoted to one.
DType dtype_of(const PluginSpec& spec, const Tensors& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (spec.inputs[i].promoted) return inputs[i].dtype();
  }
  return inputs[0].dtype();
}

// On a target that runs no code of the host: by the kernel for it, or by the reference.
Tensors compute_elsewhere(const Op& there, const PluginSpec& spec, Tensors inputs, const Attrs& attrs) {
  const DType dtype = dtype_of(spec, inputs);
  const std::vector<DType>& dtypes = spec.device_dtypes;
  if (std::find(dtypes.begin(), dtypes.end(), dtype) == dtypes.end()) {
    if (spec.reference) return spec.reference(inputs, attrs);
    throw KernelError(text("[", spec.name, "] received ", info(dtype).name,
                           " on a device, for which the kernel has no code and no reference; expected ",
                           info(dtypes[0]).name, "; convert it with astype, or pass reference= to Kernel"));
  }
  if (spec.elementwise) {
    Shape shape = inputs[0].shape();
    for (const Tensor& input : inputs) shape = broadcast(shape, input.shape(), spec.name);
    for (Tensor& input : inputs) {
      if (!(input.shape() == shape)) input = fn::broadcast_to(input, shape);
    }
  }
  return apply(there, std::move(inputs), attrs);
}

double flops_of(const PluginSpec& spec, std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs) {
  Types types;
  for (const Operand& operand : in) types.push_back({operand.dtype, operand.shape});
  return spec.cost(types, attrs) * (spec.elementwise ? static_cast<double>(count(out[0].shape)) : 1);
}

// The op of the kernel's code for devices: a launch of its own, whose results lie apart from slots and inputs.
void make_op_of_devices(Op& there, const Op& op, const PluginSpec& spec) {
  there.name = op.name;
  there.inputs = op.inputs;
  there.attrs = op.attrs;
  there.outputs = op.outputs;
  there.integer_to_float = op.integer_to_float;
  there.infer = op.infer;
  there.contiguous = true;
  add_everywhere(there, {.plan = [&spec](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                                         const PlanContext& context) {
                   const LoadedDevice* device = loaded_device_of(context.target->memory());
                   LaunchPlan plan = loaded_kernel_plan(
                       *device->table, spec.device_kernel(attrs, device->table->dlpack_ordinal), in, out);
                   for (Launch& launch : plan.launches) launch.flops = flops_of(spec, in, out, attrs);
                   return plan;
                 }});
}

}  // namespace

void define_elsewhere(const Op& op, Op& there, const PluginSpec& spec) {
  if (spec.reference) define_for_backends(op, spec.reference);
  if (spec.device_dtypes.empty() && !spec.reference) return;
  make_op_of_devices(there, op, spec);
  define_on_devices(op, [&there, &spec](const Tensors& inputs, const Attrs& attrs) {
    return compute_elsewhere(there, spec, inputs, attrs);
  });
}

}  // namespace pt
