#include "cuda/sim/registry.h"

#include <atomic>
#include <string_view>

#include "cuda/sim/simulate.h"

namespace pt::cuda::sim {
namespace {

std::atomic<const Kernel*> first = nullptr;  // constant-initialised: entries come while the process loads

}  // namespace

bool pt_cuda_sim_register(Kernel* kernel) {
  kernel->next = first;
  while (!first.compare_exchange_weak(kernel->next, kernel)) {
  }
  return true;
}

const Kernel* find_kernel(std::string_view name) {
  for (const Kernel* kernel = first; kernel; kernel = kernel->next) {
    if (name == kernel->name) return kernel;
  }
  return nullptr;
}

}  // namespace pt::cuda::sim
