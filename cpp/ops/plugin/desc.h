// One call of a plugin's kernel, made ready when it is planned: a PluginDesc, then its tensors, attributes, sizes and
// texts, in one block of memory whose pointers point into itself.
#pragma once
#include "abi/powertrain.h"

namespace pt {

constexpr int kPluginTensors = 32;  // inputs and outputs of one kernel
constexpr int kPluginMessage = 512;

// What a failing call said; the baseline's own, kernels only hand it on.
struct PluginFailure;
using NoteFailure = void (*)(PluginFailure* failure, int64_t chunk, int32_t code, const char* message);

struct PluginDesc {
  PtKernel function;
  PluginFailure* failure;
  NoteFailure note;
  const PtTensor* tensors;  // their data is that of each run
  const PtAttribute* attributes;
  int32_t n_inputs, n_outputs, n_attributes;
  int64_t rows, chunk_rows;  // of the first axis of the outputs
};

}  // namespace pt
