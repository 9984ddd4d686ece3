// The CUDA driver, opened while the program runs: nothing is linked against NVIDIA's libraries. Its own header gives
// the types, and the versions of the functions (cuMemAlloc is a macro for cuMemAlloc_v2).
#pragma once
#include <cuda.h>

#include <cstdint>
#include <string>

#include "core/error.h"

namespace pt::cuda {

// All that the runtime calls.
// clang-format off
#define PT_CUDA_DRIVER(X) \
  X(cuInit) X(cuDriverGetVersion) X(cuGetErrorName) X(cuGetErrorString) X(cuDeviceGetCount) X(cuDeviceGet) \
  X(cuDeviceGetName) X(cuDeviceGetAttribute) X(cuDeviceTotalMem) X(cuDevicePrimaryCtxRetain) \
  X(cuCtxGetCurrent) X(cuCtxPushCurrent) X(cuCtxPopCurrent) X(cuMemAlloc) X(cuMemFree) X(cuMemGetInfo) \
  X(cuMemHostAlloc) X(cuMemcpyHtoDAsync) X(cuMemcpyDtoHAsync) X(cuMemcpyDtoDAsync) X(cuMemsetD8Async) \
  X(cuStreamCreate) X(cuStreamSynchronize) X(cuStreamWaitEvent) X(cuCtxSynchronize) X(cuPointerGetAttribute) X(cuStreamBeginCapture) X(cuStreamEndCapture) X(cuEventCreate) \
  X(cuEventRecord) X(cuEventQuery) X(cuEventSynchronize) X(cuGraphInstantiateWithFlags) X(cuGraphLaunch) \
  X(cuGraphDestroy) X(cuGraphExecDestroy) X(cuModuleLoadData) X(cuModuleGetFunction) X(cuFuncSetAttribute) \
  X(cuLaunchKernel)
// clang-format on

struct Driver {
#define PT_MEMBER(name) decltype(&::name) name = nullptr;
  PT_CUDA_DRIVER(PT_MEMBER)
#undef PT_MEMBER
  void* library = nullptr;
  bool simulated = false;
  int version = 0;  // 12040 is CUDA 12.4
  int devices = 0;
};

// Nothing on the device can be used any more in this process.
struct DeviceLost : Error {
  using Error::Error;
};

// Opened and started when it is asked for first. Throws if that fails, each time with the same reason.
const Driver& driver();

// "CUDA_ERROR_INVALID_VALUE (invalid argument)"
std::string describe(const Driver& driver, CUresult result);
std::string version_text(int version);  // "12.4"

// Counts the forks between the first process and this one. What belongs to a driver does not survive a fork.
uint32_t forks();

constexpr char kSimulatedDriver[] = "libpowertrain_cuda_sim.so";
// The absolute path of a file beside this library.
std::string beside_this_library(const std::string& file);

}  // namespace pt::cuda
