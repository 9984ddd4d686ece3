// Copies from global into shared memory that go on in the background (cp.async). A thread begins some, commits them as
// a group, and waits for its groups in their order; __syncthreads() then shows them to the block. Both addresses are
// multiples of kBytes.
//
//   copy_async<16>(&tile[row][column], from, inside ? 16 : 0);  // zeros where nothing is read
//   commit_copies();
//   wait_copies<1>();  // all groups but the latest
#pragma once
#include "cuda/kernel.h"

namespace pt::cuda {

template <int kBytes>
PT_DEVICE void copy_async(void* shared, const void* from, int given = kBytes) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
#if defined(PT_CUDA_SIM)
  sim::begin_copy(shared, from, kBytes, given);
#else
  const uint32_t to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  if constexpr (kBytes == 16) {  // past the L1 cache, which has no use for it
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(given) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from), "n"(kBytes), "r"(given)
                 : "memory");
  }
#endif
}

PT_DEVICE void commit_copies() {
#if defined(PT_CUDA_SIM)
  sim::commit_copies();
#else
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Until at most so many of this thread's groups are under way.
template <int kGroups>
PT_DEVICE void wait_copies() {
#if defined(PT_CUDA_SIM)
  sim::wait_copies(kGroups);
#else
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroups) : "memory");
#endif
}

}  // namespace pt::cuda
