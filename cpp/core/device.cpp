#include "core/device.h"

#include "core/error.h"

namespace pt {

std::unique_ptr<Recording> Device::record(const std::function<void(Run&)>&) {
  throw Error(text("[device ", name(), "] was asked to record a run; expected one that records; run it instead"));
}

}  // namespace pt
