// The table of functions of one device (abi/device.h).
#pragma once
#include "abi/device.h"

namespace pt::cuda {

// That of device `ordinal`, which is opened when it is asked for first. Throws if it cannot be.
PtdDevice device_table(int32_t ordinal);

}  // namespace pt::cuda
