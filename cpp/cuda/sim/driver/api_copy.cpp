// Entry points: copies and fills. Pageable memory is read at the call, as the real driver stages it; pinned memory is
// read and written when the work is carried out.
#include <cstring>
#include <vector>

#include "cuda/sim/driver/state.h"

using namespace pt::simdriver;

namespace {

const void* host(CUdeviceptr address) { return reinterpret_cast<const void*>(address); }

bool is_pinned(const void* address, size_t bytes) {
  const Pinned* pinned = driver().space.find_pinned(address);
  if (!pinned) return false;
  const char* at = static_cast<const char*>(address);
  if (at + bytes > pinned->address + pinned->bytes)
    misuse(CUDA_ERROR_INVALID_VALUE, "%zu bytes at %p go beyond %zu bytes of pinned memory at %p", bytes, address,
           pinned->bytes, static_cast<const void*>(pinned->address));
  return true;
}

uint64_t checksum(const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  uint64_t sum = bytes;
  for (; bytes >= 8; bytes -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
    sum ^= sum >> 29;
  }
  for (; bytes; --bytes, ++at) sum = (sum ^ static_cast<unsigned char>(*at)) * 0x100000001B3u;
  return sum;
}

void expect_host(const void* address, const char* role) {
  if (!address || driver().space.is_device(reinterpret_cast<uint64_t>(address)))
    misuse(CUDA_ERROR_INVALID_VALUE, "%s is %s; expected memory of the host", role,
           driver().space.describe(reinterpret_cast<uint64_t>(address)).c_str());
}

void expect_no_capture_of_pageable(Stream& stream, const char* role) {
  if (!stream.capture) return;
  invalidate(*stream.capture);
  misuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
         "%s is pageable memory while the stream is captured; expected pinned memory; the capture is lost", role);
}

void expect_pinned_now(const void* address, size_t bytes, const std::string& what) {
  if (driver().space.find_pinned(address)) return;
  note_misuse("%s, carried out now, uses %zu bytes of pinned memory that was given back; expected it to be kept",
              what.c_str(), bytes);
  throw Fault{CUDA_ERROR_ILLEGAL_ADDRESS};
}

void copy_in(Stream& stream, CUdeviceptr to, const void* from, size_t bytes) {
  expect_host(from, "the source");
  expect_device_memory(*stream.context, to, bytes, "the target");
  ++driver().counters.copies_in;
  driver().counters.bytes_in += bytes;
  const std::string what = thread_state().call;
  if (!is_pinned(from, bytes)) {
    expect_no_capture_of_pageable(stream, "the source");
    const char* at = static_cast<const char*>(from);
    auto staged = std::make_shared<std::vector<char>>(at, at + bytes);
    return enqueue(stream, CU_GRAPH_NODE_TYPE_MEMCPY, what, [=](Context& context) {
      std::memcpy(device_memory_now(context, to, bytes, what), staged->data(), bytes);
      ++driver().counters.copies_in_done;
    });
  }
  // A captured copy is meant to read other bytes each time.
  const bool compared = !stream.capture;
  const uint64_t sum = compared ? checksum(from, bytes) : 0;
  enqueue(stream, CU_GRAPH_NODE_TYPE_MEMCPY, what, [=](Context& context) {
    char* target = device_memory_now(context, to, bytes, what);
    expect_pinned_now(from, bytes, what);
    if (compared && checksum(from, bytes) != sum)
      note_misuse(
          "%s of %zu bytes from pinned memory at %p: they were changed before the copy was done; "
          "wait for an event behind the copy before the memory is used again",
          what.c_str(), bytes, from);
    std::memcpy(target, from, bytes);
    ++driver().counters.copies_in_done;
  });
}

// True if the caller has to wait, since the target is pageable.
bool copy_out(Stream& stream, void* to, CUdeviceptr from, size_t bytes) {
  expect_host(to, "the target");
  expect_device_memory(*stream.context, from, bytes, "the source");
  ++driver().counters.copies_out;
  driver().counters.bytes_out += bytes;
  const std::string what = thread_state().call;
  const bool pinned = is_pinned(to, bytes);
  if (!pinned) expect_no_capture_of_pageable(stream, "the target");
  // Who reads it too early shall see that.
  if (pinned && !stream.capture && driver().settings.deferred) std::memset(to, 0xFF, bytes);
  enqueue(stream, CU_GRAPH_NODE_TYPE_MEMCPY, what, [=](Context& context) {
    const char* source = device_memory_now(context, from, bytes, what);
    if (pinned) expect_pinned_now(to, bytes, what);
    std::memcpy(to, source, bytes);
  });
  return !pinned;
}

void copy_within(Stream& stream, CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  expect_device_memory(*stream.context, from, bytes, "the source");
  expect_device_memory(*stream.context, to, bytes, "the target");
  if (to < from + bytes && from < to + bytes)
    misuse(CUDA_ERROR_INVALID_VALUE, "source and target overlap in %zu bytes; expected none",
           size_t(bytes - (to > from ? to - from : from - to)));
  ++driver().counters.copies_within;
  driver().counters.bytes_within += bytes;
  const std::string what = thread_state().call;
  enqueue(stream, CU_GRAPH_NODE_TYPE_MEMCPY, what, [=](Context& context) {
    const char* source = device_memory_now(context, from, bytes, what);
    std::memcpy(device_memory_now(context, to, bytes, what), source, bytes);
  });
}

bool copy_any(Stream& stream, CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  const bool to_device = driver().space.is_device(to), from_device = driver().space.is_device(from);
  if (to_device && from_device) return copy_within(stream, to, from, bytes), false;
  if (to_device) return copy_in(stream, to, host(from), bytes), false;
  if (from_device) return copy_out(stream, const_cast<void*>(host(to)), from, bytes);
  misuse(CUDA_ERROR_INVALID_VALUE, "neither side is device memory");
}

void wait(Stream& stream) {
  ++driver().counters.synchronisations;
  drain(stream);
}

template <class Value>
void fill(Stream& stream, CUdeviceptr to, Value value, size_t count) {
  expect_device_memory(*stream.context, to, count * sizeof(Value), "the target");
  expect(to % sizeof(Value) == 0, CUDA_ERROR_INVALID_VALUE, "the target is not aligned to the size of the value");
  ++driver().counters.fills;
  const std::string what = thread_state().call;
  enqueue(stream, CU_GRAPH_NODE_TYPE_MEMSET, what, [=](Context& context) {
    char* at = device_memory_now(context, to, count * sizeof(Value), what);
    std::fill_n(reinterpret_cast<Value*>(at), count, value);
  });
}

// An asynchronous call in a stream; with nothing to do, nothing is queued, as a node of no bytes is refused.
template <class Body>
CUresult in_stream(const char* name, CUstream handle, size_t bytes, Body body) noexcept {
  return answer(name, Needs::kContext, [&] {
    Stream& stream = stream_of(handle);
    if (bytes) body(stream);
  });
}

// A blocking call uses the null stream and waits for it.
template <class Body>
CUresult blocking(const char* name, size_t bytes, Body body) noexcept {
  return answer(name, Needs::kContext, [&] {
    forbid_in_capture();
    if (!bytes) return;
    body(*current().legacy);
    wait(*current().legacy);
  });
}

}  // namespace

CUresult CUDAAPI cuMemcpyHtoDAsync(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  return in_stream(__func__, stream, bytes, [&](Stream& in) { copy_in(in, to, from, bytes); });
}

CUresult CUDAAPI cuMemcpyDtoHAsync(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return in_stream(__func__, stream, bytes, [&](Stream& in) {
    if (copy_out(in, to, from, bytes)) wait(in);
  });
}

CUresult CUDAAPI cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return in_stream(__func__, stream, bytes, [&](Stream& in) { copy_within(in, to, from, bytes); });
}

CUresult CUDAAPI cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return in_stream(__func__, stream, bytes, [&](Stream& in) {
    if (copy_any(in, to, from, bytes)) wait(in);
  });
}

CUresult CUDAAPI cuMemcpyPeerAsync(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context,
                                   size_t bytes, CUstream stream) {
  return in_stream(__func__, stream, bytes, [&](Stream& in) {
    expect_device_memory(context_of(to_context), to, bytes, "the target");
    expect_device_memory(context_of(from_context), from, bytes, "the source");
    ++driver().counters.copies_within;
    driver().counters.bytes_within += bytes;
    enqueue(in, CU_GRAPH_NODE_TYPE_MEMCPY, "cuMemcpyPeerAsync", [=](Context& context) {
      const char* source = device_memory_now(context, from, bytes, "cuMemcpyPeerAsync");
      std::memcpy(device_memory_now(context, to, bytes, "cuMemcpyPeerAsync"), source, bytes);
    });
  });
}

CUresult CUDAAPI cuMemcpyHtoD(CUdeviceptr to, const void* from, size_t bytes) {
  return blocking(__func__, bytes, [&](Stream& in) { copy_in(in, to, from, bytes); });
}

CUresult CUDAAPI cuMemcpyDtoH(void* to, CUdeviceptr from, size_t bytes) {
  return blocking(__func__, bytes, [&](Stream& in) { copy_out(in, to, from, bytes); });
}

CUresult CUDAAPI cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return blocking(__func__, bytes, [&](Stream& in) { copy_within(in, to, from, bytes); });
}

CUresult CUDAAPI cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return blocking(__func__, bytes, [&](Stream& in) { copy_any(in, to, from, bytes); });
}

CUresult CUDAAPI cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  return in_stream(__func__, stream, count, [&](Stream& in) { fill(in, to, value, count); });
}

CUresult CUDAAPI cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
  return in_stream(__func__, stream, count, [&](Stream& in) { fill(in, to, value, count); });
}

CUresult CUDAAPI cuMemsetD32Async(CUdeviceptr to, unsigned int value, size_t count, CUstream stream) {
  return in_stream(__func__, stream, count, [&](Stream& in) { fill(in, to, value, count); });
}

CUresult CUDAAPI cuMemsetD8(CUdeviceptr to, unsigned char value, size_t count) {
  return blocking(__func__, count, [&](Stream& in) { fill(in, to, value, count); });
}

CUresult CUDAAPI cuMemsetD32(CUdeviceptr to, unsigned int value, size_t count) {
  return blocking(__func__, count, [&](Stream& in) { fill(in, to, value, count); });
}
