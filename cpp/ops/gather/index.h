// Reading an index as NumPy does.
#pragma once
#include <stdint.h>

namespace pt {
namespace PT_ISA {

inline int64_t read_index(const char* at, bool wide) {
  if (wide) {
    int64_t value;
    __builtin_memcpy(&value, at, sizeof(value));
    return value;
  }
  int32_t value;
  __builtin_memcpy(&value, at, sizeof(value));
  return value;
}

// The position that an index names on an axis of that size, or -1.
inline int64_t wrap_index(int64_t index, int64_t size) {
  const int64_t wrapped = index < 0 ? index + size : index;
  return wrapped >= 0 && wrapped < size ? wrapped : -1;
}

}  // namespace PT_ISA
}  // namespace pt
