#pragma once
#include <stdint.h>

namespace pt {

// Contiguous numbers of f32, rounded to bf16.
struct CastDesc {
  int64_t elements;
};
inline constexpr int64_t kCastChunk = 32 << 10;  // elements: some 4 us at the speed of memory

}  // namespace pt
