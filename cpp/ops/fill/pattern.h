// A value as a fill writes it.
#pragma once
#include <cstring>

#include "core/convert.h"
#include "core/dtype.h"

namespace pt {

// The value's bytes, repeated to eight.
inline uint64_t fill_pattern(DType dtype, double value) {
  const std::size_t size = size_of(dtype);
  char element[8];
  store_number(element, dtype, value);
  uint64_t pattern;
  for (std::size_t at = 0; at < sizeof(pattern); at += size) {
    std::memcpy(reinterpret_cast<char*>(&pattern) + at, element, size);
  }
  return pattern;
}

}  // namespace pt
