// The driver's state, behind one lock, and how an entry point begins and ends.
#pragma once
#include <cstdarg>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "cuda/sim/driver/cuda_api.h"
#include "cuda/sim/driver/queue.h"
#include "cuda/sim/driver/settings.h"
#include "cuda/sim/driver/space.h"

namespace pt::cuda::sim {
struct Kernel;
}

namespace pt::simdriver {

struct Function;

struct Module {
  Context* context = nullptr;
  const void* library = nullptr;  // in which its kernels lie
  std::vector<std::unique_ptr<Function>> functions;
};

struct Function {
  const pt::cuda::sim::Kernel* kernel = nullptr;
  Module* module = nullptr;
  int most_shared = 48 << 10;  // dynamic, as cuFuncSetAttribute allows
};

struct Context {
  int device = 0;
  int retained = 0;
  CUresult error = CUDA_SUCCESS;  // once lost, what every call answers
  std::set<Context*> peers;       // whose memory may be used here
  Stream* legacy = nullptr;
  std::unordered_map<std::thread::id, Stream*> per_thread;
};

struct Counters {
  uint64_t launches = 0, kernels_run = 0, graph_launches = 0, synchronisations = 0, queries = 0, allocations = 0,
           frees = 0, pinned_allocations = 0, copies_in = 0, copies_in_done = 0, bytes_in = 0, copies_out = 0,
           bytes_out = 0, copies_within = 0, bytes_within = 0, fills = 0, compilations = 0, misuses = 0;
};

template <class T>
using Live = std::unordered_map<const void*, std::unique_ptr<T>>;

struct Driver {
  std::mutex mutex;
  bool ready = false;   // cuInit was called
  bool forked = false;  // a child of a process that used the driver: nothing works there, as with the real one
  Settings settings;
  Space space;
  std::vector<std::unique_ptr<Context>> contexts;  // the primary ones
  Live<Stream> streams;
  Live<Event> events;
  Live<Graph> graphs;
  Live<Executable> executables;
  Live<Module> modules;
  std::set<std::shared_ptr<Capture>> captures;
  Counters counters;
  std::string last_misuse;
  uint64_t next_id = 1;
  uint64_t allocations_tried = 0, compilations_tried = 0;
  std::mt19937_64 random;  // of settings.order

  // With an order at random, a number below `most`; else 0.
  uint64_t pick(uint64_t most) { return settings.order ? random() % most : 0; }
};

Driver& driver();

// What a thread has set.
struct ThreadState {
  const char* call = "";
  std::vector<Context*> contexts;  // the last one is current
  CUstreamCaptureMode capture_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  bool in_callback = false;
};
ThreadState& thread_state();

struct Refusal {
  CUresult code;
};

// An answer that a correct caller may get too.
[[noreturn]] inline void refuse(CUresult code) { throw Refusal{code}; }
// A mistake of the caller: counted, told on stderr, and the end of the process under POWERTRAIN_SIM_STRICT=1.
[[noreturn]] void misuse(CUresult code, const char* format, ...) __attribute__((format(printf, 2, 3)));
void note_misuse(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline void expect(bool holds, CUresult code, const char* what) {
  if (!holds) misuse(code, "%s", what);
}
// Of a pointer through which an entry point answers.
template <class T>
T& out(T* where, const char* what) {
  if (!where) misuse(CUDA_ERROR_INVALID_VALUE, "%s is null; expected where to write the result", what);
  return *where;
}

enum class Needs { kNothing, kInit, kContext };

Context& current();
Context& context_of(CUcontext handle);
int device_of(CUdevice device);
Stream& stream_of(CUstream handle);
Event& event_of(CUevent handle);
Function& function_of(CUfunction handle);

// The rules of capture. A call that may wait or change what a capture depends on is forbidden in threads that capture
// (and, in the global mode, in all threads); it spoils the capture.
void forbid_in_capture();
void forbid_in_capture(Stream& stream);
void invalidate(Capture& capture);

// Of the current context's device, or of a peer. Reports addresses that are foreign, freed or too short.
void expect_device_memory(Context& context, uint64_t address, size_t bytes, const char* role);
// The same while work is carried out, when a block may be gone: a fault of the context.
char* device_memory_now(Context& context, uint64_t address, size_t bytes, const std::string& what);

void check_ready(Needs needs);
CUresult finish_call(Needs needs);

template <class Body>
CUresult answer(const char* name, Needs needs, Body body) noexcept {
  ThreadState& thread = thread_state();
  if (thread.in_callback) return CUDA_ERROR_NOT_PERMITTED;
  std::lock_guard lock(driver().mutex);
  thread.call = name;
  try {
    check_ready(needs);
    body();
    return finish_call(needs);
  } catch (const Refusal& refusal) {
    return refusal.code;
  } catch (const std::bad_alloc&) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
}

template <class T, class Handle>
T* find_live(Live<T>& live, Handle handle) {
  auto found = live.find(handle);
  return found == live.end() ? nullptr : found->second.get();
}

template <class T, class Handle>
T& expect_live(Live<T>& live, Handle handle, const char* what) {
  T* found = find_live(live, handle);
  if (!found)
    misuse(CUDA_ERROR_INVALID_HANDLE, "%p is no %s; expected one that was created and not destroyed",
           static_cast<const void*>(handle), what);
  return *found;
}

template <class T>
T* add_live(Live<T>& live, std::unique_ptr<T> made) {
  T* at = made.get();
  live[at] = std::move(made);
  return at;
}

Stream* make_stream(Context& context, unsigned flags, int priority);
void destroy_context(Context& context);
void drain_all(Context& context);

}  // namespace pt::simdriver
