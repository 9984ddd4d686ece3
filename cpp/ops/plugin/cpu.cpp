// Calls a plugin's function through the C ABI: some 10 ns for the call's own description.
#include "core/kernel.h"
#include "ops/plugin/desc.h"

namespace pt {
namespace PT_ISA {

static void call_plugin(const KernelArgs* args, int64_t chunk) {
  const PluginDesc& d = *static_cast<const PluginDesc*>(args->desc);
  PtTensor tensors[kPluginTensors];
  const int count = d.n_inputs + d.n_outputs;
  for (int i = 0; i < count; ++i) {
    tensors[i] = d.tensors[i];
    tensors[i].data = args->data[i];
  }
  char message[kPluginMessage];
  message[0] = 0;
  PtCall call;
  call.version = POWERTRAIN_ABI_VERSION;
  call.n_inputs = d.n_inputs;
  call.n_outputs = d.n_outputs;
  call.n_attributes = d.n_attributes;
  call.inputs = tensors;
  call.outputs = tensors + d.n_inputs;
  call.attributes = d.attributes;
  call.begin = chunk * d.chunk_rows;
  call.end = call.begin + d.chunk_rows < d.rows ? call.begin + d.chunk_rows : d.rows;
  call.message = message;
  call.message_bytes = kPluginMessage;
  const int32_t code = d.function(&call);
  if (code == 0) return;
  message[kPluginMessage - 1] = 0;
  d.note(d.failure, chunk, code, message);
  raise_status(args->status, kStatusPluginError);
}

}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(plugin, pt::PT_ISA::call_plugin);
