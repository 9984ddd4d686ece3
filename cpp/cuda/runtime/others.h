// Streams of other libraries that use the same device: order between their work and ours, without a wait on the host.
#pragma once
#include <cstdint>
#include <mutex>

#include "cuda/runtime/context.h"

namespace pt::cuda {

class Others {
 public:
  explicit Others(Context& context) : context_(context) {}
  // A stream is a number, as abi/device.h has it.
  void let_follow(uint64_t stream);
  void follow(uint64_t stream);
  void wait_for_all() { context_.check(context_.driver.cuCtxSynchronize(), "waiting for all streams"); }
  // The ordinal of the device in whose memory an address lies, or -1.
  int32_t device_of(const char* address);

 private:
  void order(CUstream first, CUstream then);

  Context& context_;
  std::mutex busy_;
  CUevent point_ = nullptr;
};

}  // namespace pt::cuda
