// What every .cu file includes: how a kernel is written, for nvcc, for NVRTC and for the simulator. A kernel has a
// global name of its own and two parameters: the addresses of its operands, and one plain struct that its plan made.
//
//   PT_CUDA_KERNEL(copy_rows, 2, CopyRows, 256) { ... operands.at[0], params.rows, threadIdx.x ... }
//
// 2: operands at most; CopyRows: the struct; 256: the most threads of a block. "256, 1" says that one block on a
// multiprocessor is enough: such a kernel may take more registers than would let others in. The first line of every
// kernel, which nobody can forget, ends it if the run has tripped and the launch commits.
#pragma once

#if defined(PT_CUDA_SIM)
#include "cuda/sim/device_code.h"
#elif !defined(__CUDACC_RTC__)
#include <stdint.h>
#endif

#if !defined(__CUDACC_RTC__)
#include "core/kernel.h"
#endif

namespace pt::cuda {

constexpr int kWarp = 32;

template <int kCount>
struct Operands {
  char* at[kCount];
  uint32_t* status;        // bits are raised here: raise(operands.status, kStatusBadIndex)
  const uint32_t* halted;  // of a launch that commits: not zero once a guard has tripped; else null
};

#define PT_DEVICE static __device__ __forceinline__

PT_DEVICE void raise(uint32_t* status, uint32_t bits) { atomicOr(status, bits); }
PT_DEVICE int64_t global_thread() { return int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }
PT_DEVICE int64_t global_threads() { return int64_t(gridDim.x) * blockDim.x; }

}  // namespace pt::cuda

#if !defined(PT_CUDA_SIM)
#define PT_CUDA_REGISTER(name, count, Params, ...)
#define PT_GRID_CONSTANT(...) const __grid_constant__ __VA_ARGS__
extern __shared__ __align__(16) unsigned char pt_dynamic_shared[];
#define PT_DYNAMIC_SHARED(type, name) type* const name = reinterpret_cast<type*>(pt_dynamic_shared)
#else
#define PT_GRID_CONSTANT(...) const __VA_ARGS__&  // a copy for each thread would be slow
#define PT_DYNAMIC_SHARED(type, name) type* const name = reinterpret_cast<type*>(pt::cuda::sim::here.shared)
#endif

#define PT_CUDA_KERNEL(name, count, Params, ...)                                                       \
  static __device__ void name##_body(const pt::cuda::Operands<count>& operands, const Params& params); \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__)                                            \
      name(PT_GRID_CONSTANT(pt::cuda::Operands<count>) operands, PT_GRID_CONSTANT(Params) params) {    \
    if (operands.halted && *operands.halted) return;                                                   \
    name##_body(operands, params);                                                                     \
  }                                                                                                    \
  PT_CUDA_REGISTER(name, count, Params, __VA_ARGS__)                                                   \
  static __device__ void name##_body([[maybe_unused]] const pt::cuda::Operands<count>& operands,       \
                                     [[maybe_unused]] const Params& params)
