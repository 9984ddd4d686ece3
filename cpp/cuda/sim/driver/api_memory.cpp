// Entry points: memory of devices, pinned memory of the host, and what a pointer is.
#include <cstdlib>

#include "cuda/sim/driver/state.h"

using namespace pt::simdriver;

namespace {

CUdeviceptr allocate(size_t bytes) {
  expect(bytes > 0, CUDA_ERROR_INVALID_VALUE, "0 bytes; expected at least 1");
  ++driver().counters.allocations;
  if (driver().settings.fail_alloc.at(++driver().allocations_tried)) refuse(CUDA_ERROR_OUT_OF_MEMORY);
  const auto address = driver().space.allocate(current().device, bytes);
  if (!address) refuse(CUDA_ERROR_OUT_OF_MEMORY);
  return *address;
}

const Block& expect_whole(CUdeviceptr address) {
  Space& space = driver().space;
  const Block* block = space.is_device(address) ? space.find(address) : nullptr;
  if (!block || block->address != address)
    misuse(CUDA_ERROR_INVALID_VALUE, "the address is %s; expected the beginning of an allocation",
           space.describe(address).c_str());
  return *block;
}

void free_block(const Block& block) {
  const Block gone = block;
  ++driver().counters.frees;
  if (!driver().space.free(block))
    note_misuse("bytes behind an allocation of %zu bytes at %#llx were written; expected writes within it", gone.bytes,
                static_cast<unsigned long long>(gone.address));
}

Pinned& pin(void* address, size_t bytes, bool registered, unsigned flags) {
  static Pinned made;
  made = {static_cast<char*>(address), bytes, registered, flags};
  driver().space.pin(made);
  return made;
}

const Pinned& expect_pinned(void* address, bool registered) {
  const Pinned* pinned = driver().space.find_pinned(address);
  if (!pinned || pinned->address != address || pinned->registered != registered)
    misuse(registered ? CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED : CUDA_ERROR_INVALID_VALUE,
           "%p is not the beginning of memory that was %s", address, registered ? "registered" : "allocated here");
  return *pinned;
}

// Work that is queued may still read or write there.
void settle_all() {
  forbid_in_capture();
  ++driver().counters.synchronisations;
  for (auto& context : driver().contexts)
    if (context->retained > 0) drain_all(*context);
}

}  // namespace

CUresult CUDAAPI cuMemAlloc(CUdeviceptr* address, size_t bytes) {
  return answer(__func__, Needs::kContext, [&] {
    forbid_in_capture();
    out(address, "address") = allocate(bytes);
  });
}

// As the real one does, waits for the device.
CUresult CUDAAPI cuMemFree(CUdeviceptr address) {
  return answer(__func__, Needs::kContext, [&] {
    if (!address) return;
    const Block& block = expect_whole(address);
    settle_all();
    free_block(block);
  });
}

CUresult CUDAAPI cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUstream handle) {
  return answer(__func__, Needs::kContext, [&] {
    forbid_in_capture(stream_of(handle));
    out(address, "address") = allocate(bytes);
  });
}

CUresult CUDAAPI cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
  return answer(__func__, Needs::kContext, [&] {
    Stream& stream = stream_of(handle);
    forbid_in_capture(stream);
    if (!address) return;
    expect_whole(address);
    enqueue(stream, CU_GRAPH_NODE_TYPE_MEM_FREE, "cuMemFreeAsync", [address](Context& context) {
      device_memory_now(context, address, 1, "cuMemFreeAsync");
      free_block(*driver().space.find(address));
    });
  });
}

CUresult CUDAAPI cuMemGetInfo(size_t* free, size_t* total) {
  return answer(__func__, Needs::kContext, [&] {
    Space& space = driver().space;
    out(free, "free") = space.capacity() - space.used(current().device);
    out(total, "total") = space.capacity();
  });
}

CUresult CUDAAPI cuMemGetAddressRange(CUdeviceptr* base, size_t* bytes, CUdeviceptr address) {
  return answer(__func__, Needs::kContext, [&] {
    const Block* block = driver().space.find(address);
    if (!block) refuse(CUDA_ERROR_NOT_FOUND);
    if (base) *base = block->address;
    if (bytes) *bytes = block->bytes;
  });
}

CUresult CUDAAPI cuMemHostAlloc(void** address, size_t bytes, unsigned int flags) {
  return answer(__func__, Needs::kContext, [&] {
    forbid_in_capture();
    expect(bytes > 0, CUDA_ERROR_INVALID_VALUE, "0 bytes; expected at least 1");
    ++driver().counters.pinned_allocations;
    void* made = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    if (!made) refuse(CUDA_ERROR_OUT_OF_MEMORY);
    out(address, "address") = pin(made, bytes, false, flags).address;
  });
}

CUresult CUDAAPI cuMemFreeHost(void* address) {
  return answer(__func__, Needs::kContext, [&] {
    expect_pinned(address, false);
    settle_all();
    driver().space.unpin(static_cast<char*>(address));
    std::free(address);
  });
}

CUresult CUDAAPI cuMemHostRegister(void* address, size_t bytes, unsigned int flags) {
  return answer(__func__, Needs::kContext, [&] {
    forbid_in_capture();
    expect(address && bytes > 0, CUDA_ERROR_INVALID_VALUE, "no memory to register");
    const char* end = static_cast<char*>(address) + bytes - 1;
    if (driver().space.find_pinned(address) || driver().space.find_pinned(end))
      refuse(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
    ++driver().counters.pinned_allocations;
    pin(address, bytes, true, flags);
  });
}

CUresult CUDAAPI cuMemHostUnregister(void* address) {
  return answer(__func__, Needs::kContext, [&] {
    expect_pinned(address, true);
    settle_all();
    driver().space.unpin(static_cast<char*>(address));
  });
}

CUresult CUDAAPI cuMemHostGetDevicePointer(CUdeviceptr* device, void* address, unsigned int flags) {
  return answer(__func__, Needs::kContext, [&] {
    expect(flags == 0, CUDA_ERROR_INVALID_VALUE, "flags are not 0");
    if (!driver().space.find_pinned(address)) misuse(CUDA_ERROR_INVALID_VALUE, "%p is no pinned memory", address);
    out(device, "device") = reinterpret_cast<CUdeviceptr>(address);
  });
}

namespace {

// False for a pointer that CUDA does not know, as the real driver answers.
bool pointer_attribute(void* data, CUpointer_attribute attribute, CUdeviceptr address) {
  Space& space = driver().space;
  const Block* block = space.is_device(address) ? space.find(address) : nullptr;
  const Pinned* pinned = space.find_pinned(reinterpret_cast<const void*>(address));
  if (!block && !pinned) return false;
  Context* context = block ? driver().contexts[size_t(block->device)].get() : &current();
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
      *static_cast<unsigned*>(data) = block ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
      return true;
    case CU_POINTER_ATTRIBUTE_CONTEXT:
      *static_cast<CUcontext*>(data) = reinterpret_cast<CUcontext>(context);
      return true;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
      *static_cast<int*>(data) = context->device;
      return true;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
      *static_cast<CUdeviceptr*>(data) = address;
      return true;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
      *static_cast<CUdeviceptr*>(data) = block ? 0 : address;
      return !block;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
      *static_cast<CUdeviceptr*>(data) = block ? block->address : reinterpret_cast<CUdeviceptr>(pinned->address);
      return true;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
      *static_cast<size_t*>(data) = block ? block->bytes : pinned->bytes;
      return true;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
      *static_cast<int*>(data) = 0;
      return true;
    case CU_POINTER_ATTRIBUTE_MAPPED:
      *static_cast<int*>(data) = 1;
      return true;
    default:
      misuse(CUDA_ERROR_INVALID_VALUE, "attribute %d is not simulated; add it to api_memory.cpp", int(attribute));
  }
}

size_t attribute_bytes(CUpointer_attribute attribute) {
  return attribute == CU_POINTER_ATTRIBUTE_MEMORY_TYPE || attribute == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL ||
                 attribute == CU_POINTER_ATTRIBUTE_IS_MANAGED || attribute == CU_POINTER_ATTRIBUTE_MAPPED
             ? 4
             : 8;
}

}  // namespace

CUresult CUDAAPI cuPointerGetAttribute(void* data, CUpointer_attribute attribute, CUdeviceptr address) {
  return answer(__func__, Needs::kContext, [&] {
    if (!pointer_attribute(&out(static_cast<char*>(data), "data"), attribute, address))
      refuse(CUDA_ERROR_INVALID_VALUE);
  });
}

// Unlike the single one, answers for unknown pointers, with zeros (an ordinal of -2).
CUresult CUDAAPI cuPointerGetAttributes(unsigned int count, CUpointer_attribute* attributes, void** data,
                                        CUdeviceptr address) {
  return answer(__func__, Needs::kContext, [&] {
    for (unsigned at = 0; at < count; ++at) {
      if (pointer_attribute(data[at], attributes[at], address)) continue;
      std::fill_n(static_cast<char*>(data[at]), attribute_bytes(attributes[at]), char(0));
      if (attributes[at] == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL) *static_cast<int*>(data[at]) = -2;
    }
  });
}
