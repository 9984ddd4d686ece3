// Every dtype as unsigned integers of the same order, so that one sort serves all.
#pragma once
#include "ops/fused/element.h"

namespace pt {
namespace PT_ISA {

// Negative floats are stored by their magnitude, so all their bits are turned around. NaN is the largest of all.
PT_FN uint64_t sort_key(float x) {
  if (x != x) return UINT32_MAX;
  const uint32_t bits = bit_cast<uint32_t>(x + 0.0f);  // -0 + 0 is 0
  return bits >> 31 ? uint32_t(~bits) : bits | 0x80000000u;
}
PT_FN uint64_t sort_key(double x) {
  if (x != x) return UINT64_MAX;
  const uint64_t bits = bit_cast<uint64_t>(x + 0.0);
  return bits >> 63 ? ~bits : bits | 0x8000000000000000u;
}
PT_FN uint64_t sort_key(uint8_t x) { return x; }
PT_FN uint64_t sort_key(int32_t x) { return uint32_t(x) ^ 0x80000000u; }
PT_FN uint64_t sort_key(uint64_t x) { return x; }
PT_FN uint64_t sort_key(int64_t x) { return uint64_t(x) ^ 0x8000000000000000u; }

// The key of the element at an address; descending order is that of the inverted keys.
template <class S>
PT_FN uint64_t read_key(const char* at) {
  return sort_key(S::get(*reinterpret_cast<const typename S::memory*>(at)));
}

}  // namespace PT_ISA
}  // namespace pt
