// The simulated driver: devices, contexts, memory, and the faults that can be ordered.
#include "cuda/tests/driver_case.h"

namespace pt::cuda {
namespace {

void test_device() {
  FAILS(CUDA_ERROR_NOT_INITIALIZED, cuDeviceGetCount, nullptr);
  MISUSED("[cuDeviceGetCount] called before cuInit");
  int value = 0;
  OK(cuDriverGetVersion, &value);
  CHECK_EQ(value, 12010);
  OK(cuInit, 0);
  OK(cuDeviceGetCount, &value);
  CHECK_EQ(value, 2);
  CUdevice device = 7;
  FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet, &device, 2);
  OK(cuDeviceGet, &device, 1);
  char name[64];
  OK(cuDeviceGetName, name, 64, device);
  CHECK_EQ(std::string(name), std::string("Test card"));
  size_t bytes = 0;
  OK(cuDeviceTotalMem, &bytes, device);
  CHECK_EQ(bytes, size_t(3) << 20);
  OK(cuDeviceGetAttribute, &value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
  CHECK_EQ(value, 8);
  OK(cuDeviceGetAttribute, &value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
  CHECK_EQ(value, 6);
  OK(cuDeviceGetAttribute, &value, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device);
  CHECK_EQ(value, 7);
  OK(cuDeviceGetAttribute, &value, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, device);
  CHECK_EQ(value, 99 << 10);
  CUuuid first{}, second{};
  OK(cuDeviceGetUuid, &first, 0);
  OK(cuDeviceGetUuid, &second, 1);
  CHECK(std::memcmp(&first, &second, sizeof first) != 0);
  const char* text = nullptr;
  OK(cuGetErrorName, CUDA_ERROR_OUT_OF_MEMORY, &text);
  CHECK_EQ(std::string(text), std::string("CUDA_ERROR_OUT_OF_MEMORY"));
  OK(cuGetErrorString, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, &text);
  CHECK_EQ(std::string(text),
           std::string("operation would make the legacy stream depend on a capturing blocking stream"));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuGetErrorName, CUresult(12345), &text);
  CHECK(text == nullptr);
  CLEAN();
}

void test_entry_points() {
  void* found = nullptr;
  CUdriverProcAddressQueryResult status{};
  OK(cuGetProcAddress, "cuMemAlloc", &found, 12000, 0, &status);
  CHECK(found == dlsym(library, "cuMemAlloc_v2"));
  OK(cuGetProcAddress, "cuGraphInstantiateWithFlags", &found, 12000, 0, &status);
  CHECK(found == dlsym(library, "cuGraphInstantiateWithFlags"));
  OK(cuGetProcAddress, "cuStreamGetCaptureInfo", &found, 12000, 0, &status);
  CHECK(found == dlsym(library, "cuStreamGetCaptureInfo_v2"));
  OK(cuGetProcAddress, "cuStreamGetCaptureInfo", &found, 12030, 0, &status);
  CHECK(found == dlsym(library, "cuStreamGetCaptureInfo_v3"));
  CHECK(dlsym(library, "cuEventElapsedTime") && dlsym(library, "cuEventElapsedTime_v2"));
  FAILS(CUDA_ERROR_NOT_FOUND, cuGetProcAddress, "cuMemAlloc", &found, 13000, 0, &status);
  CHECK_EQ(int(status), int(CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT));
  FAILS(CUDA_ERROR_NOT_FOUND, cuGetProcAddress, "cuTexRefCreate", &found, 12000, 0, &status);
  CHECK_EQ(int(status), int(CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND));
  CHECK(!found && !dlsym(library, "cuTexRefCreate") && !dlsym(library, "cuMemAlloc"));
}

void test_contexts() {
  OK(cuInit, 0);
  CUdeviceptr at = 0;
  FAILS(CUDA_ERROR_INVALID_CONTEXT, cuMemAlloc, &at, 16);
  MISUSED("[cuMemAlloc_v2] no context is current in this thread; call cuCtxSetCurrent with a context that is retained");
  const CUcontext context = start();
  std::thread([&] { FAILS(CUDA_ERROR_INVALID_CONTEXT, cuMemAlloc, &at, 16); }).join();
  count("simClear");
  CUcontext found = nullptr;
  OK(cuCtxGetCurrent, &found);
  CHECK(found == context);
  const CUcontext other = start(1);
  OK(cuCtxPushCurrent, context);
  CUdevice device = 9;
  OK(cuCtxGetDevice, &device);
  CHECK_EQ(device, 0);
  OK(cuCtxPopCurrent, &found);
  OK(cuCtxGetDevice, &device);
  CHECK_EQ(device, 1);
  // Memory of one device is foreign to the other until it is a peer.
  OK(cuCtxSetCurrent, context);
  at = allocate(16);
  OK(cuCtxSetCurrent, other);
  const CUdeviceptr here = allocate(16);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoD, here, at, 16);
  MISUSED(
      "[cuMemcpyDtoD_v2] the source is memory of device 0; expected that of device 1, or a peer's that was enabled");
  OK(cuMemcpyPeerAsync, here, other, at, context, 16, nullptr);
  OK(cuCtxEnablePeerAccess, context, 0);
  FAILS(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED, cuCtxEnablePeerAccess, context, 0);
  OK(cuMemcpyDtoD, here, at, 16);
  OK(cuCtxSetCurrent, context);
  const CUstream mine = stream();
  OK(cuCtxSetCurrent, other);
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamSynchronize, mine);
  MISUSED("[cuStreamSynchronize] the stream is of device 0; the current context is of device 1");
  // What belongs to a context is gone with its last user.
  OK(cuDevicePrimaryCtxRelease, 1);
  FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxSynchronize);
  count("simClear");
  start(1);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree, here);
  count("simClear");
  CLEAN();
}

void test_memory() {
  start();
  size_t free = 0, total = 0;
  const CUdeviceptr at = allocate(1000);
  CHECK_EQ(at % 512, CUdeviceptr(0));
  OK(cuMemGetInfo, &free, &total);
  CHECK_EQ(total, size_t(24) << 20);
  CHECK_EQ(total - free, size_t(1024));
  CHECK_EQ(count("simBytesLive"), uint64_t(1024));
  // New memory holds no zeros.
  CHECK_EQ(values(at, 1)[0], -1);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree, at + 256);
  CHECK(last_misuse().find("byte 256 of an allocation of 1000 bytes on device 0; expected the beginning of an "
                           "allocation") != std::string::npos);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree, CUdeviceptr(4096));
  CHECK_EQ(last_misuse(), std::string("[cuMemFree_v2] the address is 0x1000, no device memory and no pinned memory; "
                                      "expected the beginning of an allocation"));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD8, at, 0, 1001);
  CHECK(last_misuse().find("the target is 1001 bytes at") != std::string::npos);
  CHECK_EQ(count("simClear"), uint64_t(3));
  OK(cuMemFree, at);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree, at);
  CHECK(last_misuse().find("in an allocation of 1000 bytes that was freed") != std::string::npos);
  CUdeviceptr large = 0;
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAlloc, &large, 0);
  count("simClear");
  FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc, &large, size_t(30) << 20);
  // The same memory again and again: addresses wander, room does not shrink.
  CUdeviceptr before = 0;
  for (int i = 0; i < 6; ++i) {
    large = allocate(size_t(20) << 20);
    CHECK(large != before);
    OK(cuMemFree, before = large);
  }
  CUdeviceptr small = 0, ordered = 0;
  const CUstream in = stream();
  OK(cuMemAllocAsync, &ordered, 64, in);
  OK(cuMemsetD8Async, ordered, 1, 64, in);
  OK(cuMemFreeAsync, ordered, in);
  OK(cuStreamSynchronize, in);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFreeAsync, ordered, in);
  count("simClear");
  small = allocate(3);
  OK(cuMemFree, small);
  CHECK_EQ(count("simBytesLive"), uint64_t(0));
  CLEAN();
}

void test_closed_memory() {
  start();
  const CUdeviceptr at = allocate(64);
  const pid_t child = fork();
  if (child == 0) _exit(*reinterpret_cast<volatile char*>(at) + 1 ? 0 : 0);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

void test_pointers() {
  const CUcontext context = start();
  const CUdeviceptr at = allocate(1000);
  int* host = pinned<int>(4);
  unsigned type = 0;
  OK(cuPointerGetAttribute, &type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, at + 8);
  CHECK_EQ(type, unsigned(CU_MEMORYTYPE_DEVICE));
  OK(cuPointerGetAttribute, &type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, reinterpret_cast<CUdeviceptr>(host));
  CHECK_EQ(type, unsigned(CU_MEMORYTYPE_HOST));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuPointerGetAttribute, &type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
        reinterpret_cast<CUdeviceptr>(&type));
  CUdeviceptr base = 0;
  size_t bytes = 0;
  OK(cuMemGetAddressRange, &base, &bytes, at + 999);
  CHECK(base == at && bytes == 1000);
  CUcontext owner = nullptr;
  int ordinal = 5;
  CUpointer_attribute asked[] = {CU_POINTER_ATTRIBUTE_CONTEXT, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL};
  void* into[] = {&owner, &ordinal};
  OK(cuPointerGetAttributes, 2, asked, into, at);
  CHECK(owner == context && ordinal == 0);
  OK(cuPointerGetAttributes, 2, asked, into, reinterpret_cast<CUdeviceptr>(&type));
  CHECK(owner == nullptr && ordinal == -2);
  CUdeviceptr device = 0;
  OK(cuMemHostGetDevicePointer, &device, host, 0);
  CHECK(device == reinterpret_cast<CUdeviceptr>(host));
  std::vector<int> own(4);
  OK(cuMemHostRegister, own.data(), 16, 0);
  FAILS(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, cuMemHostRegister, own.data(), 16, 0);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFreeHost, own.data());
  OK(cuMemHostUnregister, own.data());
  FAILS(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, cuMemHostUnregister, own.data());
  CHECK_EQ(count("simClear"), uint64_t(2));
  OK(cuMemFreeHost, host);
  CLEAN();
}

void test_failing_allocation() {
  start();
  const CUdeviceptr a = allocate(16), b = allocate(16);
  CUdeviceptr c = 0;
  FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc, &c, 16);
  c = allocate(16);
  CHECK(a != b && b != c);
  CLEAN();
}

void test_lost_device() {
  start();
  Reverse reverse;
  const CUdeviceptr a = allocate(128), b = allocate(128);
  const CUstream in = stream();
  OK(cuMemsetD32Async, a, 1, 32, in);
  CHECK_EQ(int(reverse.launch(b, a, 2, in)), 0);
  OK(cuStreamSynchronize, in);
  CHECK_EQ(int(reverse.launch(b, a, 3, in)), 0);  // does not return
  CHECK_EQ(int(reverse.launch(b, a, 4, in)), 0);
  FAILS(CUDA_ERROR_LAUNCH_FAILED, cuStreamSynchronize, in);
  FAILS(CUDA_ERROR_LAUNCH_FAILED, cuMemcpyDtoH, new int, b, 4);
  CHECK_EQ(int(reverse.launch(b, a, 5, in)), int(CUDA_ERROR_LAUNCH_FAILED));
  CUcontext current = nullptr;
  OK(cuCtxGetCurrent, &current);
  CLEAN();
}

void test_no_device() {
  FAILS(CUDA_ERROR_NO_DEVICE, cuInit, 0);
  int n = 0;
  FAILS(CUDA_ERROR_NOT_INITIALIZED, cuDeviceGetCount, &n);
}

void test_wrong_orders() {
  FAILS(CUDA_ERROR_INVALID_VALUE, cuInit, 0);
  MISUSED(
      "[cuInit] [POWERTRAIN_SIM] memory=much; expected key=value with devices, memory, capability, units, version, "
      "fail_alloc, fail_compile, lose_device_at_launch, name, defer, poison, queue or order; for example "
      "memory=256M,fail_alloc=5");
}

void test_fork() {
  start();
  const pid_t child = fork();
  if (child == 0) {
    CUdeviceptr at = 0;
    _exit(CU(cuMemAlloc)(&at, 16) == CUDA_ERROR_NOT_INITIALIZED ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  allocate(16);
}

void test_strict() {
  start();
  CU(cuMemFree)(4096);  // ends here
}

}  // namespace
}  // namespace pt::cuda

using namespace pt::cuda;

int main() {
  CHECK(run_case("devices=2,memory=3M,capability=8.6,units=7,version=12010,name=Test card", test_device));
  CHECK(run_case("", test_entry_points));
  CHECK(run_case("devices=2", test_contexts));
  CHECK(run_case("memory=24M", test_memory));
  CHECK(run_case("", test_closed_memory));
  CHECK(run_case("", test_pointers));
  CHECK(run_case("fail_alloc=3", test_failing_allocation));
  CHECK(run_case("lose_device_at_launch=2", test_lost_device));
  CHECK(run_case("devices=0", test_no_device));
  CHECK(run_case("memory=much", test_wrong_orders));
  CHECK(run_case("", test_fork));
  CHECK(run_case("", test_strict, SIGABRT));
  return pt::check::finish();
}
