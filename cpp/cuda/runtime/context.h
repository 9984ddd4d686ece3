// One device: its primary context, which other libraries of the process share, the stream that all work is queued on,
// and how the driver's answers become errors.
#pragma once
#include <atomic>
#include <mutex>
#include <string>

#include "cuda/runtime/driver.h"

namespace pt::cuda {

class Context {
 public:
  explicit Context(int ordinal);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Driver& driver;
  const std::string name;   // "cuda:0"
  std::string description;  // "NVIDIA H100, compute capability 9.0, 80 GB"
  int capability = 0;       // 90
  int units = 0;            // multiprocessors
  std::size_t total_bytes = 0;
  CUcontext handle = nullptr;
  CUstream stream = nullptr;

  // Throws for what is not success. `doing` completes "while ...".
  void check(CUresult result, const char* doing) {
    if (result != CUDA_SUCCESS) fail(result, doing);
  }
  [[noreturn]] void fail(CUresult result, const std::string& doing);
  // Before anything is locked: throws in a forked child, and once the device is lost.
  void check_usable();
  bool in_its_process() const { return process_ == forks(); }
  bool usable() const { return in_its_process() && !lost_.load(std::memory_order_relaxed); }
  void wait() { check(driver.cuStreamSynchronize(stream), "waiting for what was queued"); }

 private:
  [[noreturn]] void fail_lost();

  const uint32_t process_ = forks();
  std::atomic<bool> lost_{false};
  std::mutex busy_;
  std::string first_failure_;
};

// How many GPUs the driver has. Throws where none of them is new enough.
int count_gpus();

// Makes the context current in this thread, and at the end whichever was before.
class Current {
 public:
  explicit Current(Context& context);
  ~Current();
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

 private:
  Context& context_;
  bool pushed_ = false;
};

}  // namespace pt::cuda
