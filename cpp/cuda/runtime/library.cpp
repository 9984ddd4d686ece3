// The two functions that the library exports (abi/device.h).
#include <cstring>
#include <type_traits>

#include "cuda/runtime/border.h"
#include "cuda/runtime/context.h"
#include "cuda/runtime/table.h"

using namespace pt::cuda;

extern "C" __attribute__((visibility("default"))) bool powertrain_device_v1(const char* engine, int32_t ordinal,
                                                                            PtdDevice* device, PtdFailure* failure) {
  return answer(failure, [&] {
    if (std::strcmp(engine, POWERTRAIN_VERSION) != 0) {
      throw pt::Error(pt::text("[cuda] powertrain is ", engine, " and powertrain-cuda ", POWERTRAIN_VERSION,
                               "; expected the same version of both; pip install powertrain-cuda==", engine));
    }
    *device = device_table(ordinal);
  });
}

extern "C" __attribute__((visibility("default"))) int32_t powertrain_device_count_v1(PtdFailure* failure) {
  int32_t count = 0;
  answer(failure, [&] { count = count_gpus(); });
  return count;
}

static_assert(std::is_same_v<decltype(&powertrain_device_v1), PtdEntry>);
static_assert(std::is_same_v<decltype(&powertrain_device_count_v1), PtdCount>);
