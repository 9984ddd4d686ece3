#pragma once
#include <stdint.h>

#include "core/space.h"

namespace pt {

struct CheckIndexDesc {
  Space space;
  int64_t axis_size;
  int64_t chunk;    // elements
  bool wide_index;  // i64, else i32
};

}  // namespace pt
