// The simulated driver, opened as the runtime opens the real one. Each case of a test runs in a process of its own,
// with its own orders in POWERTRAIN_SIM.
#pragma once
#include <cuda.h>
#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "cuda/tests/example.h"
#include "tests/check.h"

namespace pt::cuda {

inline void* library = nullptr;

template <class F>
F symbol(const char* name) {
  void* found = dlsym(library, name);
  if (!found) std::fprintf(stderr, "no symbol %s\n", name);
  return reinterpret_cast<F>(found);
}
#define TEXT_OF(name) #name
#define VERSIONED(name) TEXT_OF(name)  // what the header's macro makes of it
#define CU(name) symbol<decltype(&::name)>(VERSIONED(name))
#define OK(name, ...) CHECK_EQ(int(CU(name)(__VA_ARGS__)), int(CUDA_SUCCESS))
#define FAILS(code, name, ...) CHECK_EQ(int(CU(name)(__VA_ARGS__)), int(code))

inline uint64_t count(const char* name) { return symbol<uint64_t (*)()>(name)(); }
inline std::string last_misuse() { return symbol<const char* (*)()>("simLastMisuse")(); }
// The misuse that there was since the last look, and that there was one.
#define MISUSED(text)                           \
  do {                                          \
    CHECK_EQ(last_misuse(), std::string(text)); \
    CHECK_EQ(count("simClear"), uint64_t(1));   \
  } while (false)
#define CLEAN() CHECK_EQ(count("simMisuses"), uint64_t(0))

inline CUcontext start(int ordinal = 0) {
  CUcontext context = nullptr;
  CUdevice device = 0;
  OK(cuInit, 0);
  OK(cuDeviceGet, &device, ordinal);
  OK(cuDevicePrimaryCtxRetain, &context, device);
  OK(cuCtxSetCurrent, context);
  return context;
}

inline CUdeviceptr allocate(size_t bytes) {
  CUdeviceptr at = 0;
  OK(cuMemAlloc, &at, bytes);
  return at;
}

inline CUstream stream() {
  CUstream made = nullptr;
  OK(cuStreamCreate, &made, CU_STREAM_NON_BLOCKING);
  return made;
}

inline CUevent event() {
  CUevent made = nullptr;
  OK(cuEventCreate, &made, CU_EVENT_DISABLE_TIMING);
  return made;
}

template <class T>
T* pinned(size_t n) {
  void* at = nullptr;
  OK(cuMemHostAlloc, &at, n * sizeof(T), 0);
  return static_cast<T*>(at);
}

inline std::vector<int> values(CUdeviceptr at, size_t n) {
  std::vector<int> host(n);
  OK(cuMemcpyDtoH, host.data(), at, n * sizeof(int));
  return host;
}

// The kernel example_reverse on blocks of n: out[i] = factor * in[n - 1 - i].
struct Reverse {
  CUmodule module = nullptr;
  CUfunction function = nullptr;
  CUdeviceptr status = 0;

  explicit Reverse(const char* image = "PTSIM", const char* name = "example_reverse") {
    OK(cuModuleLoadData, &module, image);
    OK(cuModuleGetFunction, &function, module, name);
    status = allocate(4);
    OK(cuMemsetD32, status, 0, 1);
  }

  CUresult launch(CUdeviceptr to, CUdeviceptr from, int factor, CUstream in, unsigned threads = 32,
                  unsigned shared = 4 * 32, unsigned blocks = 1) {
    CUdeviceptr operands[4] = {from, to, status, 0};
    ExampleReverse params{factor};
    void* both[2] = {operands, &params};
    const CUresult result = CU(cuLaunchKernel)(function, blocks, 1, 1, threads, 1, 1, shared, in, both, nullptr);
    std::memset(operands, 0xEE, sizeof operands);  // the driver has its own copies
    params.factor = -1;
    return result;
  }
};

inline std::vector<int> counted(int from) {
  std::vector<int> numbers(32);
  for (int i = 0; i < 32; ++i) numbers[size_t(i)] = from + i;
  return numbers;
}

inline int run_case(const char* orders, void (*test)(), int wanted_signal = 0) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    pt::check::checks = pt::check::failures = 0;
    setenv("POWERTRAIN_SIM", orders, 1);
    if (wanted_signal) setenv("POWERTRAIN_SIM_STRICT", "1", 1);
    library = dlopen(PT_SIM_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) std::fprintf(stderr, "%s\n", dlerror());
    if (library) test();
    std::fflush(stdout);
    _exit(library && pt::check::checks > 0 && pt::check::failures == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return wanted_signal ? WIFSIGNALED(status) && WTERMSIG(status) == wanted_signal
                       : WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace pt::cuda
