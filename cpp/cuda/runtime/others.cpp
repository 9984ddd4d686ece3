#include "cuda/runtime/others.h"

namespace pt::cuda {
namespace {

// 1 and 2 are the driver's own names for the default stream and for the thread's.
CUstream handle_of(uint64_t stream) {
  static_assert(sizeof(CUstream) == sizeof(stream));
  return reinterpret_cast<CUstream>(stream);
}

}  // namespace

// A wait remembers the event as it is now, so that one event is enough.
void Others::order(CUstream first, CUstream then) {
  const std::lock_guard lock(busy_);
  if (!point_) context_.check(context_.driver.cuEventCreate(&point_, CU_EVENT_DISABLE_TIMING), "making an event");
  context_.check(context_.driver.cuEventRecord(point_, first), "marking a stream");
  context_.check(context_.driver.cuStreamWaitEvent(then, point_, 0), "letting a stream wait for another one");
}

void Others::let_follow(uint64_t stream) { order(context_.stream, handle_of(stream)); }
void Others::follow(uint64_t stream) { order(handle_of(stream), context_.stream); }

int32_t Others::device_of(const char* address) {
  int ordinal = -1;
  const CUresult result = context_.driver.cuPointerGetAttribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
                                                                reinterpret_cast<CUdeviceptr>(address));
  return result == CUDA_SUCCESS ? ordinal : -1;
}

}  // namespace pt::cuda
