#pragma once
#include <stdint.h>

#include "core/space.h"
#include "ops/fused/desc.h"

namespace pt {

inline constexpr int64_t kSideBySide = 16;  // neighbouring lines that the kernel walks at once

enum class ScanKind : uint8_t { Sum, Prod, ArgMax, ArgMin };

// Running results along one axis.
struct ScanDesc {
  Space lines;  // the other axes; a: x, b: out
  int64_t n;
  int64_t stride, out_stride;  // along the axis, in bytes
  FusedStorage from, to;
  ScanKind kind;
  bool reverse;
  bool initial;   // out begins with what there is before the first element
  int64_t chunk;  // lines
};

}  // namespace pt
