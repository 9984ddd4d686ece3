#include "cuda/sim/driver/work.h"

#include <optional>

#include "cuda/sim/driver/state.h"

using namespace pt::simdriver;

namespace {

// Of the work that is carried out now, under the driver's lock.
Context* running = nullptr;
std::string running_name;
std::optional<Fault> fault;

}  // namespace

CUresult simQueueWork(CUstream handle, const char* name, void (*work)(void*), void* data, void (*release)(void*)) {
  const std::shared_ptr<void> held(data, release);
  return answer(name, Needs::kContext, [&] {
    ++driver().counters.launches;
    enqueue(stream_of(handle), CU_GRAPH_NODE_TYPE_KERNEL, name, [=, called = std::string(name)](Context& context) {
      running = &context;
      running_name = called;
      fault.reset();
      ++driver().counters.kernels_run;
      work(held.get());
      running = nullptr;
      if (fault) throw Fault(*fault);
    });
  });
}

void* simMemory(CUdeviceptr address, size_t bytes, const char* role) {
  try {
    return device_memory_now(*running, address, bytes, running_name + ": " + role);
  } catch (const Fault& found) {
    fault = found;
    return nullptr;
  }
}

void simNoteMisuse(const char* call, const char* text) {
  std::lock_guard lock(driver().mutex);
  thread_state().call = call;
  note_misuse("%s", text);
}
