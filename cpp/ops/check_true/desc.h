#pragma once
#include <stdint.h>

#include "core/space.h"

namespace pt {

struct CheckTrueDesc {
  Space space;
  int64_t chunk;  // elements
};

}  // namespace pt
