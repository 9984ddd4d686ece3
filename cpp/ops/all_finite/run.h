// An element is infinite or not a number when all bits of its exponent are set. Integer arithmetic on whole runs, which
// keeps up with memory on every instruction set.
#pragma once
#include <stdint.h>

namespace pt {
namespace PT_ISA {

// stride: in bytes.
template <class Bits, Bits kExponent>
inline bool run_has_non_finite(const char* run, int64_t n, int64_t stride) {
  Bits found = 0;
  if (stride == sizeof(Bits)) {
    const Bits* bits = reinterpret_cast<const Bits*>(run);
    for (int64_t i = 0; i < n; ++i) found |= static_cast<Bits>((bits[i] & kExponent) == kExponent);
  } else {
    for (int64_t i = 0; i < n; ++i, run += stride) {
      Bits bits;
      __builtin_memcpy(&bits, run, sizeof(Bits));
      found |= static_cast<Bits>((bits & kExponent) == kExponent);
    }
  }
  return found != 0;
}

inline constexpr uint32_t kExponentF32 = 0x7f800000u;
inline constexpr uint64_t kExponentF64 = 0x7ff0000000000000u;

}  // namespace PT_ISA
}  // namespace pt
