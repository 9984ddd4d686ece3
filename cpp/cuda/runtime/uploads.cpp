#include "cuda/runtime/uploads.h"

namespace pt::cuda {

void Uploads::start() {
  context_.check(context_.driver.cuStreamCreate(&stream_, CU_STREAM_NON_BLOCKING), "making a stream");
  context_.check(context_.driver.cuEventCreate(&freed_, CU_EVENT_DISABLE_TIMING), "making an event");
  staging_ = std::make_unique<Staging>(context_, stream_);
}

// Where there is no room beside the memory of the work, that one's cache makes some.
char* Uploads::allocate(std::size_t bytes, DeviceMemory& work) {
  try {
    return memory_.allocate(bytes);
  } catch (const OutOfMemoryError&) {
    work.trim();
    return memory_.allocate(bytes);
  }
}

CUevent Uploads::send(const char* const* host, const std::size_t* bytes, int count, char** addresses,
                      DeviceMemory& work) {
  CUevent sent = nullptr;
  int made = 0;
  try {
    for (; made < count; ++made) addresses[made] = allocate(bytes[made], work);
    {
      const std::lock_guard lock(busy_);
      if (any_freed_)
        context_.check(context_.driver.cuStreamWaitEvent(stream_, freed_, 0), "letting copies wait for work");
      if (!spare_.empty()) sent = spare_.back(), spare_.pop_back();
    }
    if (!sent) context_.check(context_.driver.cuEventCreate(&sent, CU_EVENT_DISABLE_TIMING), "making an event");
    for (int i = 0; i < count; ++i) staging_->copy_in(addresses[i], host[i], bytes[i]);
    context_.check(context_.driver.cuEventRecord(sent, stream_), "marking copies");
  } catch (...) {
    for (int i = 0; i < made; ++i) memory_.free(addresses[i]);
    throw;
  }
  return sent;
}

void Uploads::receive(CUevent sent) {
  context_.check(context_.driver.cuStreamWaitEvent(context_.stream, sent, 0), "letting work wait for copies");
  const std::lock_guard lock(busy_);
  spare_.push_back(sent);  // who waits remembers it as it is now
}

void Uploads::free(char* address) {
  const std::lock_guard lock(busy_);
  context_.check(context_.driver.cuEventRecord(freed_, context_.stream), "marking work");
  any_freed_ = true;
  memory_.free(address);
}

}  // namespace pt::cuda
