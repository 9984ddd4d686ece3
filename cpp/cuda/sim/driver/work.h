// How a library that stands in for one of NVIDIA's runs its own work in streams of the simulated driver.
#pragma once
#include "cuda/sim/driver/counters.h"
#include "cuda/sim/driver/cuda_api.h"

extern "C" {
// As a kernel that such a library launches: it waits in the stream, or becomes a node of a graph. `release` is called
// when the work can run no more.
PT_SIM_API CUresult simQueueWork(CUstream stream, const char* name, void (*work)(void*), void* data,
                                 void (*release)(void*));
// Within such work: the memory behind addresses of the device. Null where it is not allocated: return then, the context
// is lost.
PT_SIM_API void* simMemory(CUdeviceptr address, size_t bytes, const char* role);
// A mistake of the caller, told and counted as the driver's own.
PT_SIM_API void simNoteMisuse(const char* call, const char* text);
}
