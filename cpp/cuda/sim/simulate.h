// Runs a kernel on the host: block after block, each thread of a block on a stack of its own where it has to wait.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cuda/launch.h"
#include "cuda/sim/registry.h"

namespace pt::cuda::sim {

// Null for an unknown name. Kernels live as long as the process, or the library that brought them.
const Kernel* find_kernel(std::string_view name);

struct Failure {
  std::string
      text;  // "[cuda softmax_rows] block (3, 0, 0) thread (17, 0, 0) ...; expected ...; how to fix it", or empty
};

// `operands`: the kernel's Operands<n>; `params`: its Params. Returns whether it ran to its end. A kernel that failed
// may have written some of its results.
bool simulate(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params,
              Failure* failure);

}  // namespace pt::cuda::sim
