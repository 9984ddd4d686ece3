// CUDA's language for the host's compiler: what a .cu file sees in place of nvcc's own declarations. Blocks run one
// after the other on a thread of the host, so that what a block shares is memory of that thread.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cuda/sim/atomics.h"
#include "cuda/sim/block.h"
#include "cuda/sim/intrinsics.h"
#include "cuda/sim/registry.h"
#include "cuda/sim/vectors.h"
#include "cuda/sim/warp.h"

#define __global__
#define __device__
#define __host__
#define __constant__ static
// A gap before each variable, so that an index that leaves one is seen; it takes the attributes that stand before, such
// as [[maybe_unused]], which the variable needs too.
#if defined(PT_CUDA_CHECKED)
#define PT_SIM_JOIN2(a, b) a##b
#define PT_SIM_JOIN(a, b) PT_SIM_JOIN2(a, b)
#define __shared__                                                                             \
  static thread_local __attribute__((used)) char PT_SIM_JOIN(pt_sim_gap_, __COUNTER__)[256]{}; \
  static thread_local __attribute__((unused))
#else
#define __shared__ static thread_local
#endif
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)

#define threadIdx (pt::cuda::sim::here.thread)
#define blockIdx (pt::cuda::sim::here.block)
#define blockDim (pt::cuda::sim::here.threads)
#define gridDim (pt::cuda::sim::here.blocks)
constexpr int warpSize = 32;

// Inlined, so that the return address tells one barrier from another.
__forceinline__ void __syncthreads() { pt::cuda::sim::sync_threads(pt::cuda::sim::Vote::None, 0); }
__forceinline__ int __syncthreads_count(int predicate) {
  return pt::cuda::sim::sync_threads(pt::cuda::sim::Vote::Count, predicate);
}
__forceinline__ int __syncthreads_and(int predicate) {
  return pt::cuda::sim::sync_threads(pt::cuda::sim::Vote::And, predicate);
}
__forceinline__ int __syncthreads_or(int predicate) {
  return pt::cuda::sim::sync_threads(pt::cuda::sim::Vote::Or, predicate);
}
inline void __threadfence() {}
inline void __threadfence_block() {}

#if defined(PT_CUDA_CHECKED)
#define PT_SIM_CHECKED true
#else
#define PT_SIM_CHECKED false
#endif

// An entry in the registry. A kernel's parameters are read where they lie.
#define PT_CUDA_REGISTER(name, count, Params, threads, ...)                                              \
  static void name##_as_thread(const void* operands, const void* params) {                               \
    name(*static_cast<const pt::cuda::Operands<count>*>(operands), *static_cast<const Params*>(params)); \
  }                                                                                                      \
  static pt::cuda::sim::Kernel name##_entry{#name,   count,          static_cast<int>(sizeof(Params)),   \
                                            threads, PT_SIM_CHECKED, name##_as_thread};                  \
  [[maybe_unused]] static const bool name##_registered = pt::cuda::sim::pt_cuda_sim_register(&name##_entry);
