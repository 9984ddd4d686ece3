// Runs a kernel on the host: block after block, each thread of a block on a stack of its own where it has to wait.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/launch.h"
#include "cuda/sim/registry.h"
#include "cuda/sim/shadow.h"

namespace pt::cuda::sim {

// Null for an unknown name. Kernels live as long as the process, or the library that brought them. Several libraries
// may have one of a name: `after` asks for the next one.
const Kernel* find_kernel(std::string_view name, const Kernel* after = nullptr);

struct Failure {
  std::string
      text;  // "[cuda softmax_rows] block (3, 0, 0) thread (17, 0, 0) ...; expected ...; how to fix it", or empty
};

// The memory that a launch may touch, and what is known of each byte of it. Kept from launch to launch of a plan.
class Memories {
 public:
  // What does not hold values has to be written before it is read.
  void add(const void* begin, int64_t bytes, std::string name, bool may_write, bool holds_values);
  Region* find(const void* address);
  const std::vector<Region>& regions() const { return regions_; }

 private:
  std::vector<Region> regions_;
};

struct Checks {
  Memories* memories = nullptr;  // what kernels may touch; null: loads and stores are not looked at
  uint32_t order = 0;            // in which threads go on: 0 in their own, else at random by this seed
};

// `operands`: the kernel's Operands<n>; `params`: its Params. Returns whether it ran to its end. A kernel that failed
// may have written some of its results. Loads and stores are seen of kernels that were compiled for it.
bool simulate(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params,
              Failure* failure, const Checks& checks = {});

}  // namespace pt::cuda::sim
