#include "cuda/sim/driver/state.h"

#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "cuda/sim/driver/counters.h"

namespace pt::simdriver {

namespace {

void tell(const char* format, va_list values) {
  char text[1024];
  std::vsnprintf(text, sizeof text, format, values);
  Driver& all = driver();
  all.last_misuse = "[" + std::string(thread_state().call) + "] " + text;
  ++all.counters.misuses;
  std::fprintf(stderr, "simulated CUDA driver: %s\n", all.last_misuse.c_str());
  const char* strict = std::getenv("POWERTRAIN_SIM_STRICT");
  if (strict && std::strcmp(strict, "1") == 0) std::abort();
}

// Captures that forbid this thread an unsafe call.
std::vector<Capture*> forbidding() {
  std::vector<Capture*> found;
  const auto mode = thread_state().capture_mode;
  for (const auto& capture : driver().captures) {
    const bool own = capture->thread == std::this_thread::get_id();
    const bool bars = mode != CU_STREAM_CAPTURE_MODE_RELAXED && own && capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED;
    const bool bars_all =
        mode == CU_STREAM_CAPTURE_MODE_GLOBAL && !own && capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
    if (bars || bars_all) found.push_back(capture.get());
  }
  return found;
}

Context* top() {
  auto& stack = thread_state().contexts;
  return stack.empty() ? nullptr : stack.back();
}

}  // namespace

Driver& driver() {
  // Never destroyed: threads may still call while the process ends.
  static Driver* const all = [] {
    // In the child nobody gives the lock back that another thread may have held.
    pthread_atfork(nullptr, nullptr, [] {
      new (&driver().mutex) std::mutex;
      driver().forked = driver().ready;
    });
    return new Driver;
  }();
  return *all;
}

ThreadState& thread_state() {
  static thread_local ThreadState state;
  return state;
}

void misuse(CUresult code, const char* format, ...) {
  va_list values;
  va_start(values, format);
  tell(format, values);
  va_end(values);
  throw Refusal{code};
}

void note_misuse(const char* format, ...) {
  va_list values;
  va_start(values, format);
  tell(format, values);
  va_end(values);
}

void check_ready(Needs needs) {
  if (needs == Needs::kNothing) return;
  if (driver().forked) {
    misuse(CUDA_ERROR_NOT_INITIALIZED,
           "called in a child of a process that had used the driver; expected a process that was started anew; use the "
           "start method spawn");
  }
  expect(driver().ready, CUDA_ERROR_NOT_INITIALIZED, "called before cuInit");
  if (needs == Needs::kInit) return;
  if (const CUresult error = current().error; error != CUDA_SUCCESS) refuse(error);
}

CUresult finish_call(Needs needs) { return needs == Needs::kContext ? current().error : CUDA_SUCCESS; }

Context& current() {
  Context* context = top();
  expect(context && context->retained > 0, CUDA_ERROR_INVALID_CONTEXT,
         "no context is current in this thread; call cuCtxSetCurrent with a context that is retained");
  return *context;
}

Context& context_of(CUcontext handle) {
  for (auto& context : driver().contexts)
    if (static_cast<const void*>(context.get()) == handle && context->retained > 0) return *context;
  misuse(CUDA_ERROR_INVALID_CONTEXT, "%p is no context; expected one that is retained",
         static_cast<const void*>(handle));
}

int device_of(CUdevice device) {
  if (device < 0 || device >= driver().settings.devices) refuse(CUDA_ERROR_INVALID_DEVICE);
  return device;
}

Stream* make_stream(Context& context, unsigned flags, int priority) {
  auto stream = std::make_unique<Stream>();
  stream->context = &context;
  stream->flags = flags;
  stream->priority = priority;
  stream->id = driver().next_id++;
  return add_live(driver().streams, std::move(stream));
}

Stream& stream_of(CUstream handle) {
  Context& context = current();
  if (handle == nullptr || handle == CU_STREAM_LEGACY) return *context.legacy;
  if (handle == CU_STREAM_PER_THREAD) {
    Stream*& own = context.per_thread[std::this_thread::get_id()];
    if (!own) own = make_stream(context, CU_STREAM_DEFAULT, 0);
    return *own;
  }
  Stream& stream = expect_live(driver().streams, handle, "stream");
  if (stream.context != &context)
    misuse(CUDA_ERROR_INVALID_HANDLE, "the stream is of device %d; the current context is of device %d",
           stream.context->device, context.device);
  return stream;
}

Event& event_of(CUevent handle) { return expect_live(driver().events, handle, "event"); }

Function& function_of(CUfunction handle) {
  for (auto& [address, module] : driver().modules)
    for (auto& function : module->functions)
      if (static_cast<const void*>(function.get()) == handle) return *function;
  misuse(CUDA_ERROR_INVALID_HANDLE, "%p is no function; expected one of a module that is loaded",
         static_cast<const void*>(handle));
}

void invalidate(Capture& capture) {
  if (capture.invalid) return;
  capture.invalid = true;
  capture.broken_by = thread_state().call;
}

void forbid_in_capture() {
  const auto found = forbidding();
  if (found.empty()) return;
  for (Capture* capture : found) invalidate(*capture);
  misuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
         "not permitted while a stream is being captured; the capture is lost; call it before the capture begins");
}

void forbid_in_capture(Stream& stream) {
  if (!stream.capture) return;
  invalidate(*stream.capture);
  misuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
         "the stream is being captured and cannot be waited for or asked; the capture is lost");
}

void expect_device_memory(Context& context, uint64_t address, size_t bytes, const char* role) {
  Space& space = driver().space;
  const Block* block = space.is_device(address) ? space.find(address) : nullptr;
  if (!block)
    misuse(CUDA_ERROR_INVALID_VALUE, "%s is %s; expected memory of device %d that is allocated", role,
           space.describe(address).c_str(), context.device);
  if (address + bytes > block->address + block->bytes)
    misuse(CUDA_ERROR_INVALID_VALUE, "%s is %zu bytes at %s; expected to end within the allocation", role, bytes,
           space.describe(address).c_str());
  if (block->device != context.device && !context.peers.count(driver().contexts[size_t(block->device)].get()))
    misuse(CUDA_ERROR_INVALID_VALUE,
           "%s is memory of device %d; expected that of device %d, or a peer's that was enabled", role, block->device,
           context.device);
}

char* device_memory_now(Context& context, uint64_t address, size_t bytes, const std::string& what) {
  Space& space = driver().space;
  const Block* block = space.is_device(address) ? space.find(address) : nullptr;
  if (block && address + bytes <= block->address + block->bytes) return space.shadow(address);
  (void)context;
  note_misuse("%s, carried out now, uses %zu bytes at %s; expected memory that is kept until the work is done",
              what.c_str(), bytes, space.describe(address).c_str());
  throw Fault{CUDA_ERROR_ILLEGAL_ADDRESS};
}

void drain_all(Context& context) {
  for (Stream* stream : streams_of(context)) drain(*stream);
}

void destroy_context(Context& context) {
  Driver& all = driver();
  drain_all(context);
  std::erase_if(all.captures, [&](const auto& capture) { return capture->origin->context == &context; });
  std::erase_if(all.events, [&](const auto& entry) { return entry.second->context == &context; });
  std::erase_if(all.executables, [&](const auto& entry) { return entry.second->context == &context; });
  std::erase_if(all.modules, [&](const auto& entry) { return entry.second->context == &context; });
  std::erase_if(all.streams, [&](const auto& entry) { return entry.second->context == &context; });
  all.space.free_all(context.device);
  context.legacy = nullptr;
  context.per_thread.clear();
  context.peers.clear();
  context.error = CUDA_SUCCESS;
}

}  // namespace pt::simdriver

using pt::simdriver::driver;

#define PT_SIM_COUNTER(name, field)       \
  uint64_t name() {                       \
    std::lock_guard lock(driver().mutex); \
    return driver().counters.field;       \
  }

PT_SIM_COUNTER(simLaunches, launches)
PT_SIM_COUNTER(simKernelsRun, kernels_run)
PT_SIM_COUNTER(simGraphLaunches, graph_launches)
PT_SIM_COUNTER(simSynchronisations, synchronisations)
PT_SIM_COUNTER(simQueries, queries)
PT_SIM_COUNTER(simAllocations, allocations)
PT_SIM_COUNTER(simFrees, frees)
PT_SIM_COUNTER(simPinnedAllocations, pinned_allocations)
PT_SIM_COUNTER(simCopiesIn, copies_in)
PT_SIM_COUNTER(simCopiesInDone, copies_in_done)
PT_SIM_COUNTER(simBytesIn, bytes_in)
PT_SIM_COUNTER(simCopiesOut, copies_out)
PT_SIM_COUNTER(simBytesOut, bytes_out)
PT_SIM_COUNTER(simCopiesWithin, copies_within)
PT_SIM_COUNTER(simBytesWithin, bytes_within)
PT_SIM_COUNTER(simFills, fills)
PT_SIM_COUNTER(simCompilations, compilations)
PT_SIM_COUNTER(simMisuses, misuses)

uint64_t simBytesLive() {
  std::lock_guard lock(driver().mutex);
  uint64_t bytes = 0;
  for (int device = 0; device < driver().settings.devices; ++device) bytes += driver().space.used(device);
  return bytes;
}

const char* simLastMisuse() {
  static thread_local std::string text;
  std::lock_guard lock(driver().mutex);
  text = driver().last_misuse;
  return text.c_str();
}

uint64_t simClear() {
  std::lock_guard lock(driver().mutex);
  const uint64_t misuses = driver().counters.misuses;
  driver().counters = {};
  driver().last_misuse.clear();
  return misuses;
}
