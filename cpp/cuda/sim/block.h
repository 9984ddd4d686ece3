// What device code reaches of the simulator: where it is, barriers, and operations of a whole warp.
#pragma once
#include <stdint.h>

#include "cuda/sim/vectors.h"

#define PT_SIM_DOOR __attribute__((visibility("default")))  // printed kernels come in libraries of their own

namespace pt::cuda::sim {

struct Here {
  uint3 thread{}, block{};
  dim3 threads, blocks;
  int lane = 0;
  char* shared = nullptr;  // dynamic
};
extern PT_SIM_DOOR constinit thread_local Here here;

enum class Vote { None, Count, And, Or };
// Waits for every thread of the block; votes on `predicate`.
PT_SIM_DOOR int sync_threads(Vote vote, int predicate);

// Waits until all lanes of `mask` call it with the same `compute` and mask. Then `compute` is called once, with what
// each lane gave; it writes what each lane gets. Entries of other lanes are null. Writes of these lanes before the call
// are visible to them after it.
using Collective = void (*)(uint32_t mask, const void* const* in, void* const* out);
PT_SIM_DOOR void collective(const char* name, Collective compute, uint32_t mask, const void* in, void* out);

// Ends the launch with a report; `what` is a predicate of the thread, as "shuffles from a lane outside of its mask".
[[noreturn]] PT_SIM_DOOR void fail(const char* what);

// Before an atomic operation on so many bytes.
PT_SIM_DOOR void atomic_access(void* address, int bytes);

}  // namespace pt::cuda::sim
