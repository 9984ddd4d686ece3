// Entry points: the driver, devices and contexts.
#include <cstdlib>
#include <cstring>

#include "cuda/sim/driver/state.h"

using namespace pt::simdriver;

namespace {

// Of cards of these capabilities, as far as programs ask. False: not simulated.
bool attribute_value(CUdevice_attribute attribute, int* value) {
  const Settings& settings = driver().settings;
  auto is = [&](int known) { return *value = known, true; };
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      return is(settings.major);
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      return is(settings.minor);
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      return is(settings.units);
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
      return is(1024);
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
      return is(64);
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
      return is(0x7FFFFFFF);
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
      return is(65535);
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
      return is(32);
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
      return is(2048);
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
      return is(65536);
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
      return is(48 << 10);
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
      return is(most_shared_bytes(settings));
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
      return is(most_shared_bytes(settings) + 1024);
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
      return is(50 << 20);
    case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
      return is(1'700'000);
    case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE:
      return is(2'600'000);
    case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
      return is(5120);
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
    case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
    case CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM:
    case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
      return is(1);
    case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT:
      return is(2);
    case CU_DEVICE_ATTRIBUTE_COMPUTE_MODE:
      return is(CU_COMPUTEMODE_DEFAULT);
    case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID:
    case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID:
    case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID:
    case CU_DEVICE_ATTRIBUTE_INTEGRATED:
    case CU_DEVICE_ATTRIBUTE_ECC_ENABLED:
    case CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT:
    case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS:
    case CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS:
    case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH:
      return is(0);
    default:
      return false;
  }
}

}  // namespace

CUresult CUDAAPI cuInit(unsigned int flags) {
  return answer(__func__, Needs::kNothing, [&] {
    Driver& all = driver();
    expect(flags == 0, CUDA_ERROR_INVALID_VALUE, "flags are not 0");
    if (all.forked) refuse(CUDA_ERROR_NOT_INITIALIZED);
    if (all.ready) return;
    const char* text = std::getenv("POWERTRAIN_SIM");
    std::string problem;
    all.settings = parse_settings(text ? text : "", &problem);
    if (!problem.empty()) misuse(CUDA_ERROR_INVALID_VALUE, "%s", problem.c_str());
    if (all.settings.devices == 0) refuse(CUDA_ERROR_NO_DEVICE);
    if (!all.space.open(all.settings.devices, all.settings.memory, all.settings.poisoned))
      refuse(CUDA_ERROR_OUT_OF_MEMORY);
    for (int device = 0; device < all.settings.devices; ++device) {
      all.contexts.push_back(std::make_unique<Context>());
      all.contexts.back()->device = device;
    }
    all.random.seed(all.settings.order);
    all.ready = true;
  });
}

// Answers before cuInit too.
CUresult CUDAAPI cuDriverGetVersion(int* version) {
  return answer(__func__, Needs::kNothing, [&] {
    const char* text = std::getenv("POWERTRAIN_SIM");
    std::string problem;
    out(version, "version") = parse_settings(text ? text : "", &problem).version;
  });
}

CUresult CUDAAPI cuDeviceGetCount(int* count) {
  return answer(__func__, Needs::kInit, [&] { out(count, "count") = driver().settings.devices; });
}

CUresult CUDAAPI cuDeviceGet(CUdevice* device, int ordinal) {
  return answer(__func__, Needs::kInit, [&] { out(device, "device") = device_of(ordinal); });
}

CUresult CUDAAPI cuDeviceGetName(char* name, int length, CUdevice device) {
  return answer(__func__, Needs::kInit, [&] {
    device_of(device);
    expect(name && length > 0, CUDA_ERROR_INVALID_VALUE, "there is no room for the name");
    std::strncpy(name, driver().settings.name.c_str(), size_t(length) - 1);
    name[length - 1] = 0;
  });
}

CUresult CUDAAPI cuDeviceTotalMem(size_t* bytes, CUdevice device) {
  return answer(__func__, Needs::kInit, [&] {
    device_of(device);
    out(bytes, "bytes") = driver().settings.memory;
  });
}

CUresult CUDAAPI cuDeviceGetUuid(CUuuid* uuid, CUdevice device) {
  return answer(__func__, Needs::kInit, [&] {
    std::memset(&out(uuid, "uuid"), 0, sizeof *uuid);
    std::memcpy(uuid->bytes, "ptsim", 5);
    uuid->bytes[15] = char(device_of(device));
  });
}

CUresult CUDAAPI cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
  return answer(__func__, Needs::kInit, [&] {
    device_of(device);
    if (!attribute_value(attribute, &out(value, "value")))
      misuse(CUDA_ERROR_INVALID_VALUE, "attribute %d is not simulated; add it to api_device.cpp", int(attribute));
  });
}

CUresult CUDAAPI cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice peer) {
  return answer(__func__, Needs::kInit, [&] { out(can, "can") = device_of(device) != device_of(peer); });
}

CUresult CUDAAPI cuCtxEnablePeerAccess(CUcontext peer, unsigned int flags) {
  return answer(__func__, Needs::kContext, [&] {
    expect(flags == 0, CUDA_ERROR_INVALID_VALUE, "flags are not 0");
    Context& other = context_of(peer);
    expect(&other != &current(), CUDA_ERROR_INVALID_DEVICE, "a context is no peer of itself");
    if (!current().peers.insert(&other).second) refuse(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  });
}

CUresult CUDAAPI cuDevicePrimaryCtxRetain(CUcontext* handle, CUdevice device) {
  return answer(__func__, Needs::kInit, [&] {
    Context& context = *driver().contexts[size_t(device_of(device))];
    if (context.retained++ == 0) {
      context.legacy = make_stream(context, CU_STREAM_DEFAULT, 0);
      context.legacy->legacy = true;
    }
    out(handle, "context") = reinterpret_cast<CUcontext>(&context);
  });
}

CUresult CUDAAPI cuDevicePrimaryCtxRelease(CUdevice device) {
  return answer(__func__, Needs::kInit, [&] {
    Context& context = *driver().contexts[size_t(device_of(device))];
    expect(context.retained > 0, CUDA_ERROR_INVALID_CONTEXT, "the primary context is not retained");
    if (--context.retained == 0) destroy_context(context);
  });
}

CUresult CUDAAPI cuDevicePrimaryCtxGetState(CUdevice device, unsigned int* flags, int* active) {
  return answer(__func__, Needs::kInit, [&] {
    out(active, "active") = driver().contexts[size_t(device_of(device))]->retained > 0;
    out(flags, "flags") = 0;
  });
}

CUresult CUDAAPI cuCtxSetCurrent(CUcontext handle) {
  return answer(__func__, Needs::kInit, [&] {
    auto& stack = thread_state().contexts;
    Context* context = handle ? &context_of(handle) : nullptr;
    if (!stack.empty()) stack.pop_back();
    if (context) stack.push_back(context);
  });
}

CUresult CUDAAPI cuCtxGetCurrent(CUcontext* handle) {
  return answer(__func__, Needs::kInit, [&] {
    const auto& stack = thread_state().contexts;
    out(handle, "context") = reinterpret_cast<CUcontext>(stack.empty() ? nullptr : stack.back());
  });
}

CUresult CUDAAPI cuCtxPushCurrent(CUcontext handle) {
  return answer(__func__, Needs::kInit, [&] { thread_state().contexts.push_back(&context_of(handle)); });
}

CUresult CUDAAPI cuCtxPopCurrent(CUcontext* handle) {
  return answer(__func__, Needs::kInit, [&] {
    auto& stack = thread_state().contexts;
    expect(!stack.empty(), CUDA_ERROR_INVALID_CONTEXT, "no context is current in this thread");
    if (handle) *handle = reinterpret_cast<CUcontext>(stack.back());
    stack.pop_back();
  });
}

CUresult CUDAAPI cuCtxGetDevice(CUdevice* device) {
  return answer(__func__, Needs::kInit, [&] { out(device, "device") = current().device; });
}

CUresult CUDAAPI cuCtxSynchronize() {
  return answer(__func__, Needs::kContext, [&] {
    Context& context = current();
    forbid_in_capture();
    for (Stream* stream : streams_of(context)) forbid_in_capture(*stream);
    ++driver().counters.synchronisations;
    drain_all(context);
  });
}

CUresult CUDAAPI cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  return answer(__func__, Needs::kContext, [&] {
    if (least) *least = 0;
    if (greatest) *greatest = -5;
  });
}
