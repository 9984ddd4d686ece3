// The kernels that are compiled into a program, by name. A .cu file's PT_CUDA_KERNEL adds an entry while the program
// or library loads. No std:: type stands here: device code includes it.
#pragma once

namespace pt::cuda::sim {

struct Kernel {
  const char* name;
  int operands;                                           // Operands<operands>
  int params_bytes;                                       // sizeof(Params)
  int most_threads;                                       // of __launch_bounds__
  bool checked;                                           // compiled so that the checker sees each load and store
  void (*run)(const void* operands, const void* params);  // as one thread
  const Kernel* next = nullptr;
};

// Returns something to initialise a constant with. Printed kernels call it from libraries of their own.
extern "C" __attribute__((visibility("default"))) bool pt_cuda_sim_register(Kernel* kernel);

}  // namespace pt::cuda::sim
