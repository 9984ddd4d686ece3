// Copies to the device that run beside its work, in a stream of their own: the next batch arrives while a step runs.
// What arrives lies in memory apart from that of the work, for a piece of that one may still be read by what is queued.
#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "cuda/runtime/memory.h"
#include "cuda/runtime/staging.h"

namespace pt::cuda {

class Uploads {
 public:
  explicit Uploads(Context& context) : context_(context), memory_(context) {}
  // Makes the stream; with the context current.
  void start();

  // Each array into a piece of memory. Gives the event behind the copies; `work`: gives back what it keeps, for room.
  CUevent send(const char* const* host, const std::size_t* bytes, int count, char** addresses, DeviceMemory& work);
  // What is queued from now on waits for them.
  void receive(CUevent sent);
  // One of these pieces, which is used again behind the work that is queued now.
  void free(char* address);
  DeviceMemory& memory() { return memory_; }

 private:
  char* allocate(std::size_t bytes, DeviceMemory& work);

  Context& context_;
  DeviceMemory memory_;
  CUstream stream_ = nullptr;
  std::unique_ptr<Staging> staging_;
  std::mutex busy_;
  std::vector<CUevent> spare_;
  CUevent freed_ = nullptr;  // behind the work that was queued when a piece was last freed
  bool any_freed_ = false;
};

}  // namespace pt::cuda
