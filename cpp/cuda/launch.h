// How a plan for CUDA asks for a kernel, in its op's plan_cuda.cpp:
//
//   plan.launches.push_back(cuda_launch("copy_rows", {.grid = {blocks}, .block = {256}}, params, 2, bytes, flops));
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "core/launch.h"

namespace pt::cuda {

constexpr int kMostOperands = 64;          // of one launch
constexpr int64_t kMostShared = 96 << 10;  // bytes of dynamic shared memory that a block has on every card

struct Extents {
  uint32_t x, y, z;
  constexpr Extents(uint32_t x = 1, uint32_t y = 1, uint32_t z = 1) : x(x), y(y), z(z) {}
};
struct Geometry {
  Extents grid{};             // in blocks
  Extents block{};            // in threads
  uint32_t shared_bytes = 0;  // dynamic
};

// What a launch's descriptor holds, followed by the bytes of the kernel's parameter struct, which begin at 64.
struct alignas(64) LaunchDesc {
  int32_t kernel;    // of kernel_number
  int32_t operands;  // as the kernel was declared: Operands<operands>
  int32_t params_bytes;
  uint32_t grid[3], block[3];
  uint32_t shared_bytes;
};
static_assert(sizeof(LaunchDesc) == 64);

// The number that stands for a kernel of the library, by its name; the same for the same name.
int32_t kernel_number(const std::string& name);
// Of a kernel that is compiled when it is launched first. The name holds a hash of the source.
int32_t printed_kernel_number(const std::string& name, std::string source);
// Of a product by NVIDIA's library (cuda/products.h), under a name that no kernel has.
int32_t library_kernel_number(const std::string& name);
const std::string& kernel_name(int32_t number);
const std::string* printed_source(int32_t number);  // nullptr: of a kernel that the library holds
// Whether printed kernels can be compiled in this process. The runtime says so once it has found a compiler; plans that
// could print one ask, and have another way.
void allow_printed_kernels(bool allow);
bool printed_kernels_allowed();

Launch make_launch(int32_t kernel, const Geometry& geometry, const void* params, std::size_t params_bytes, int operands,
                   double bytes, double flops);

template <class Params>
Launch cuda_launch(const std::string& kernel, const Geometry& geometry, const Params& params, int operands,
                   double bytes, double flops = 0) {
  static_assert(std::is_trivially_copyable_v<Params>);
  return make_launch(kernel_number(kernel), geometry, &params, sizeof(Params), operands, bytes, flops);
}

// Blocks of `threads` for so many elements, at most `most`: kernels walk on by the size of the grid.
inline uint32_t blocks_for(int64_t elements, int64_t threads, int64_t most = 65535) {
  const int64_t blocks = (elements + threads - 1) / threads;
  return static_cast<uint32_t>(blocks < 1 ? 1 : blocks < most ? blocks : most);
}

}  // namespace pt::cuda
