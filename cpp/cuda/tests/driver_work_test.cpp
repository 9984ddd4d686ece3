// The simulated driver: copies, streams, events and launches.
#include "cuda/tests/driver_case.h"

namespace pt::cuda {
namespace {

void test_deferred_copies() {
  start();
  const CUstream in = stream();
  const CUdeviceptr at = allocate(64);
  // Pageable memory is free again at once.
  std::vector<int> host{1, 2, 3, 4};
  OK(cuMemcpyHtoDAsync, at, host.data(), 16, in);
  host.assign(4, 9);
  CHECK_EQ(int(CU(cuStreamQuery)(in)), int(CUDA_ERROR_NOT_READY));
  OK(cuStreamQuery, in);
  CHECK(values(at, 4) == (std::vector<int>{1, 2, 3, 4}));
  // Pinned memory is read when the work is done.
  int* from = pinned<int>(4);
  for (int i = 0; i < 4; ++i) from[i] = i;
  OK(cuMemcpyHtoDAsync, at, from, 16, in);
  from[2] = 7;
  OK(cuStreamSynchronize, in);
  CHECK(values(at, 4) == (std::vector<int>{0, 1, 7, 3}));
  CHECK(last_misuse().find("[cuStreamSynchronize] cuMemcpyHtoDAsync_v2 of 16 bytes from pinned memory at ") == 0);
  CHECK_EQ(count("simClear"), uint64_t(1));
  // And written then: who reads before sees no result.
  int* to = pinned<int>(4);
  to[0] = 5;
  OK(cuMemcpyDtoHAsync, to, at, 16, in);
  CHECK_EQ(to[0], -1);
  OK(cuStreamSynchronize, in);
  CHECK_EQ(to[2], 7);
  // Into pageable memory the call waits.
  OK(cuMemsetD32Async, at, 6, 4, in);
  count("simClear");
  OK(cuMemcpyDtoHAsync, host.data(), at, 16, in);
  CHECK_EQ(host[3], 6);
  CHECK_EQ(count("simSynchronisations"), uint64_t(1));
  CHECK_EQ(count("simCopiesOut"), uint64_t(1));
  CHECK_EQ(count("simBytesOut"), uint64_t(16));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoDAsync, at, from + 2, 12, in);
  CHECK(last_misuse().find("go beyond 16 bytes of pinned memory") != std::string::npos);
  CHECK_EQ(count("simClear"), uint64_t(1));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoDAsync, at + 4, at, 8, in);
  MISUSED("[cuMemcpyDtoDAsync_v2] source and target overlap in 4 bytes; expected none");
}

void test_streams() {
  start();
  Reverse reverse;
  const CUstream first = stream(), second = stream();
  const CUdeviceptr a = allocate(128), b = allocate(128), c = allocate(128);
  OK(cuMemcpyHtoD, a, counted(0).data(), 128);
  OK(cuMemsetD32, b, 77, 32);
  // Without an event the second stream does not wait for the first.
  CHECK_EQ(int(reverse.launch(b, a, 2, first)), 0);
  OK(cuMemcpyDtoDAsync, c, b, 128, second);
  OK(cuStreamSynchronize, second);
  CHECK_EQ(values(c, 1)[0], 77);
  // With one it does.
  const CUevent done = event();
  OK(cuEventRecord, done, first);
  FAILS(CUDA_ERROR_NOT_READY, cuEventQuery, done);
  OK(cuStreamWaitEvent, second, done, 0);
  OK(cuMemcpyDtoDAsync, c, b, 128, second);
  OK(cuStreamSynchronize, second);
  CHECK_EQ(values(c, 2)[0], 62);
  OK(cuEventQuery, done);
  // An event recorded again stands for the later moment; a wait is for the moment that it was given.
  OK(cuMemsetD32Async, b, 1, 32, first);
  OK(cuEventRecord, done, first);
  OK(cuStreamWaitEvent, second, done, 0);
  OK(cuMemsetD32Async, b, 2, 32, first);
  OK(cuEventRecord, done, first);
  OK(cuMemcpyDtoDAsync, c, b, 128, second);
  OK(cuStreamSynchronize, second);
  CHECK_EQ(values(c, 1)[0], 1);
  OK(cuEventSynchronize, done);
  CHECK_EQ(values(b, 1)[0], 2);
  // The null stream waits for blocking streams, and they for it.
  CUstream blocking = nullptr;
  OK(cuStreamCreateWithPriority, &blocking, CU_STREAM_DEFAULT, -9);
  int priority = 0;
  OK(cuStreamGetPriority, blocking, &priority);
  CHECK_EQ(priority, -5);
  OK(cuMemsetD32Async, b, 3, 32, blocking);
  OK(cuMemcpyDtoDAsync, c, b, 128, nullptr);
  OK(cuMemsetD32Async, b, 4, 32, blocking);
  OK(cuStreamSynchronize, blocking);
  CHECK_EQ(values(c, 1)[0], 3);
  // Time goes on between events.
  CUevent from = nullptr, to = nullptr;
  OK(cuEventCreate, &from, 0);
  OK(cuEventCreate, &to, 0);
  float milliseconds = -1;
  OK(cuEventRecord, from, first);
  CHECK_EQ(int(reverse.launch(b, a, 2, first)), 0);
  OK(cuEventRecord, to, first);
  FAILS(CUDA_ERROR_NOT_READY, cuEventElapsedTime, &milliseconds, from, to);
  OK(cuCtxSynchronize);
  OK(cuEventElapsedTime, &milliseconds, from, to);
  CHECK(milliseconds > 0);
  CLEAN();
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime, &milliseconds, from, done);
  OK(cuStreamDestroy, first);
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamQuery, first);
  OK(cuEventDestroy, done);
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventQuery, done);
}

void test_host_functions() {
  start();
  const CUstream in = stream();
  static int called = 0;
  OK(
      cuLaunchHostFunc, in,
      [](void* data) {
        called = *static_cast<int*>(data);
        FAILS(CUDA_ERROR_NOT_PERMITTED, cuCtxSynchronize);
      },
      new int(5));
  CHECK_EQ(called, 0);
  OK(cuStreamSynchronize, in);
  CHECK_EQ(called, 5);
}

void test_launches() {
  start();
  Reverse reverse;
  const CUdeviceptr a = allocate(4096), b = allocate(4096);
  OK(cuMemcpyHtoD, a, counted(1).data(), 128);
  CHECK_EQ(int(reverse.launch(b, a, 3, nullptr)), 0);
  CHECK_EQ(values(b, 32)[0], 96);
  CHECK_EQ(values(b, 32)[31], 3);
  CLEAN();
  CUfunction none = nullptr;
  FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction, &none, reverse.module, "no_such_kernel");
  CUmodule module = nullptr;
  FAILS(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData, &module, "ELF");
  size_t offset = 0, bytes = 0;
  OK(cuFuncGetParamInfo, reverse.function, 0, &offset, &bytes);
  CHECK_EQ(bytes, size_t(32));
  OK(cuFuncGetParamInfo, reverse.function, 1, &offset, &bytes);
  CHECK(offset == 32 && bytes == sizeof(ExampleReverse));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuFuncGetParamInfo, reverse.function, 2, &offset, &bytes);
  CLEAN();
  const auto refused = [&](unsigned threads, unsigned shared, unsigned blocks) {
    return reverse.launch(b, a, 1, nullptr, threads, shared, blocks);
  };
  CHECK_EQ(int(refused(1025, 0, 1)), int(CUDA_ERROR_INVALID_VALUE));
  MISUSED("[cuLaunchKernel] example_reverse: 1025 threads along axis 0; expected 1 to 1024");
  CHECK_EQ(int(refused(32, 0, 0)), int(CUDA_ERROR_INVALID_VALUE));
  MISUSED("[cuLaunchKernel] example_reverse: 0 blocks along axis 0; expected 1 to 2147483647");
  CHECK_EQ(int(refused(32, 50000, 1)), int(CUDA_ERROR_INVALID_VALUE));
  MISUSED(
      "[cuLaunchKernel] example_reverse: 50000 bytes of dynamic shared memory; expected at most 49152, or "
      "cuFuncSetAttribute before");
  OK(cuFuncSetAttribute, reverse.function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 50000);
  CHECK_EQ(int(refused(32, 50000, 1)), 0);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuFuncSetAttribute, reverse.function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
        300000);
  MISUSED("[cuFuncSetAttribute] example_reverse: 300000 bytes of shared memory; the device has 232448");
  std::vector<int> host(32);
  CHECK_EQ(int(reverse.launch(reinterpret_cast<CUdeviceptr>(host.data()), a, 1, nullptr)),
           int(CUDA_ERROR_INVALID_VALUE));
  CHECK(last_misuse().find("[cuLaunchKernel] example_reverse: operand 1 is ") == 0);
  count("simClear");
  Reverse rows("PTSIM", "example_row_sums");
  CHECK_EQ(int(rows.launch(b, a, 1, nullptr, 512)), int(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES));
  MISUSED("[cuLaunchKernel] example_row_sums: a block of 512 threads; its launch bounds are 256");
  OK(cuModuleUnload, rows.module);
  CHECK_EQ(int(rows.launch(b, a, 1, nullptr)), int(CUDA_ERROR_INVALID_HANDLE));
  count("simClear");
  // A kernel that writes behind its memory is found when that is freed.
  const CUdeviceptr small = allocate(128);
  CHECK_EQ(int(reverse.launch(small, a, 1, nullptr, 32, 4 * 32, 2)), 0);
  OK(cuMemFree, small);
  CHECK(last_misuse().find("[cuMemFree_v2] bytes behind an allocation of 128 bytes at ") == 0);
  CHECK_EQ(count("simClear"), uint64_t(1));
  // Pinned memory is there for kernels.
  int* direct = pinned<int>(32);
  CHECK_EQ(int(reverse.launch(reinterpret_cast<CUdeviceptr>(direct), a, 2, nullptr)), 0);
  OK(cuCtxSynchronize);
  CHECK_EQ(direct[0], 64);
  CLEAN();
}

void test_freed_under_work() {
  start();
  Reverse reverse;
  const CUdeviceptr a = allocate(128);
  CUdeviceptr b = 0;
  const CUstream first = stream(), second = stream();
  OK(cuMemAllocAsync, &b, 128, first);
  CHECK_EQ(int(reverse.launch(b, a, 2, second)), 0);
  OK(cuMemFreeAsync, b, first);
  OK(cuStreamSynchronize, first);
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize, second);
  CHECK(last_misuse().find("[cuStreamSynchronize] example_reverse, carried out now: operand 1 is ") == 0);
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemAlloc, &b, 16);
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize);
}

void test_at_once() {
  start();
  const CUstream in = stream();
  const CUdeviceptr at = allocate(16);
  CHECK_EQ(values(at, 1)[0], 0);
  int* to = pinned<int>(4);
  OK(cuMemsetD32Async, at, 8, 4, in);
  OK(cuMemcpyDtoHAsync, to, at, 16, in);
  CHECK_EQ(to[3], 8);
  OK(cuStreamQuery, in);
}

// Several threads at once, each with a stream of its own, and one that captures: each sees its own numbers.
void test_threads() {
  const CUcontext context = start();
  const auto work = [&](int me) {
    OK(cuCtxSetCurrent, context);
    Reverse reverse;
    const CUstream in = stream();
    const CUevent done = event();
    const CUdeviceptr a = allocate(128), b = allocate(128);
    int* host = pinned<int>(32);
    for (int round = 1; round <= 20; ++round) {
      OK(cuMemsetD32Async, a, unsigned(me * round), 32, in);
      CUgraph graph = nullptr;
      if (me == 0) OK(cuStreamBeginCapture, in, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
      CHECK_EQ(int(reverse.launch(b, a, 3, in)), 0);
      if (me == 0) OK(cuStreamEndCapture, in, &graph);
      OK(cuMemcpyDtoHAsync, host, b, 128, in);
      OK(cuEventRecord, done, in);
      OK(cuEventSynchronize, done);
      if (me != 0) CHECK_EQ(host[31], 3 * me * round);
    }
  };
  std::vector<std::thread> threads;
  for (int me = 0; me < 4; ++me) threads.emplace_back(work, me);
  for (std::thread& thread : threads) thread.join();
  CLEAN();
}

// Two streams without an event between them: for some orders the second copy comes first.
void test_any_order() {
  start();
  const CUstream first = stream(), second = stream();
  const CUdeviceptr a = allocate(4), b = allocate(4);
  int stale = 0;
  for (int round = 0; round < 40; ++round) {
    OK(cuMemsetD32, a, 1, 1);
    OK(cuMemsetD32Async, a, 2, 1, first);
    OK(cuMemcpyDtoDAsync, b, a, 4, second);
    OK(cuStreamSynchronize, second);
    stale += values(b, 1)[0] == 1;
    OK(cuStreamSynchronize, first);
  }
  CHECK(stale > 0 && stale < 40);
}

}  // namespace
}  // namespace pt::cuda

using namespace pt::cuda;

int main() {
  CHECK(run_case("", test_deferred_copies));
  CHECK(run_case("", test_streams));
  CHECK(run_case("queue=2", test_host_functions));
  CHECK(run_case("", test_launches));
  CHECK(run_case("", test_freed_under_work));
  CHECK(run_case("defer=0,poison=0", test_at_once));
  CHECK(run_case("", test_threads));
  CHECK(run_case("order=5", test_threads));
  CHECK(run_case("order=3", test_any_order));
  return pt::check::finish();
}
