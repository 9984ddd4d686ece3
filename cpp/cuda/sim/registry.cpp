#include "cuda/sim/registry.h"

#include <atomic>
#include <string_view>

#include "cuda/sim/plain.h"
#include "cuda/sim/simulate.h"

namespace pt::cuda::sim {
namespace {

std::atomic<const Kernel*> first = nullptr;  // constant-initialised: entries come while the process loads
std::atomic<const PlainKernel*> first_plain = nullptr;

}  // namespace

bool pt_cuda_sim_register(Kernel* kernel) {
  kernel->next = first;
  while (!first.compare_exchange_weak(kernel->next, kernel)) {
  }
  return true;
}

bool pt_cuda_sim_register_plain(PlainKernel* kernel) {
  kernel->next = first_plain;
  while (!first_plain.compare_exchange_weak(kernel->next, kernel)) {
  }
  return pt_cuda_sim_register(&kernel->kernel);
}

const PlainKernel* find_plain(const Kernel* kernel) {
  for (const PlainKernel* plain = first_plain; plain; plain = plain->next) {
    if (&plain->kernel == kernel) return plain;
  }
  return nullptr;
}

const Kernel* find_kernel(std::string_view name, const Kernel* after) {
  for (const Kernel* kernel = after ? after->next : first.load(); kernel; kernel = kernel->next) {
    if (name == kernel->name) return kernel;
  }
  return nullptr;
}

}  // namespace pt::cuda::sim
