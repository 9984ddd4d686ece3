// Ops whose kernels are a plugin's: made while the program runs, beside the registry, and never destroyed, since graphs
// point to them.
#pragma once
#include <functional>
#include <span>
#include <string>

#include "abi/powertrain.h"
#include "ops/loaded_device.h"
#include "ops/op.h"

namespace pt {

struct PluginFailure;

// What a kernel plugin says of itself. The functions are Python's; each may throw.
struct PluginSpec {
  std::string name;
  std::vector<InputSpec> inputs;
  std::vector<AttrSpec> attrs;
  int outputs = 1;
  bool elementwise = false;
  bool split = false;  // rows of the outputs can be computed apart
  bool integer_to_float = true;
  std::string doc;
  std::function<Types(std::span<const TensorType>, const Attrs&)> shape;  // not for elementwise ones
  VjpFn vjp;          // none: a gradient through it is an error when the step is planned
  ComposeFn compose;  // with it and without a vjp, the definition is differentiated
  // Operations of one call; for an elementwise one, of each element.
  std::function<double(std::span<const TensorType> in, const Attrs&)> cost;
  // The address of the function for these operands, or for the dtype in which an elementwise one computes.
  std::function<std::uintptr_t(std::span<const TensorType> operands)> function;
  // The code for devices in libraries of their own, and the dtypes that it is for; and the same in ops.
  std::function<DeviceKernel(const Attrs&, int ordinal)> device_kernel;
  std::vector<DType> device_dtypes;
  ComposeFn reference;
};

const Op& make_plugin_op(PluginSpec spec);
// Its definition where no code of the host runs. All three live as long as the process; `there` is for its code on
// devices.
void define_elsewhere(const Op& op, Op& there, const PluginSpec& spec);

}  // namespace pt
