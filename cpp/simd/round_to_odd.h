// Floats on the way to 16 bits.
#pragma once
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

// x as a float that is to be rounded once more: where it is not exact, of both neighbours the one with an odd last bit,
// which lies on the side of every halfway case on which x does. So rounding twice is rounding once.
PT_FN float round_to_odd(double x) {
  const float nearest = float(x);
  const double back = double(nearest);
  const uint32_t bits = bit_cast<uint32_t>(nearest);
  const double size = x < 0 ? -x : x, near_size = back < 0 ? -back : back;
  const uint32_t other = size > near_size ? bits + 1u : bits - 1u;
  const bool exact = back == x || x != x;
  return bit_cast<float>(exact || (bits & 1u) ? bits : other);
}
// Integers that a double may not hold: what is below the upper bits is one bit that says whether there is anything.
PT_FN float round_to_odd(uint64_t x) {
  const uint64_t low = x & 0xfffffu;
  return round_to_odd(double(x < (uint64_t(1) << 53) ? x : (x - low) | (low ? 0x100000u : 0u)));
}
PT_FN float round_to_odd(int64_t x) {
  const float size = round_to_odd(x < 0 ? -uint64_t(x) : uint64_t(x));
  return x < 0 ? -size : size;
}
PT_FN float round_to_odd(int32_t x) { return round_to_odd(double(x)); }
PT_FN float round_to_odd(float x) { return x; }
PT_FN float round_to_odd(uint8_t x) { return float(x); }

}  // namespace PT_ISA
}  // namespace pt
