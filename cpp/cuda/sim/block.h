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

// Waits until all lanes of `mask` call it with the same mask. What they wrote before is visible to them after it.
PT_SIM_DOOR void sync_warp(uint32_t mask);

// The same with the same `compute`, which is then called once, with what each lane gave, and writes what each lane
// gets. Entries of other lanes are null. Memory is ordered by sync_warp alone, as CUDA has it.
using Collective = void (*)(uint32_t mask, const void* const* in, void* const* out);
PT_SIM_DOOR void collective(const char* name, Collective compute, uint32_t mask, const void* in, void* out);

// Copies that go on in the background: `bytes` into shared memory, of which those after `given` become zeros. They are
// there once their group has been waited for, by the thread that began them.
PT_SIM_DOOR void begin_copy(void* shared, const void* from, int bytes, int given);
PT_SIM_DOOR void commit_copies();
PT_SIM_DOOR void wait_copies(int groups);  // until at most so many groups of this thread are under way

// Ends the launch with a report; `what` is a predicate of the thread, as "shuffles from a lane outside of its mask".
[[noreturn]] PT_SIM_DOOR void fail(const char* what);

// Before an atomic operation on so many bytes.
PT_SIM_DOOR void atomic_access(void* address, int bytes);

}  // namespace pt::cuda::sim
