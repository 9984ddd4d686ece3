// Reading an index as NumPy does.
#pragma once
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

PT_FN int64_t read_index(const char* at, bool wide) {
  return wide ? *reinterpret_cast<const int64_t*>(at) : *reinterpret_cast<const int32_t*>(at);
}

// The position that an index names on an axis of that size, or -1.
PT_FN int64_t wrap_index(int64_t index, int64_t size) {
  const int64_t wrapped = index < 0 ? index + size : index;
  return wrapped >= 0 && wrapped < size ? wrapped : -1;
}

}  // namespace PT_ISA
}  // namespace pt
