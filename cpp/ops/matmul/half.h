// Rows of f16 and bf16 as a product reads and writes them: widened exactly, rounded to nearest even. The compiler turns
// the loops into vectors.
#pragma once
#include <stdint.h>

#include "simd/native.h"

namespace pt {
namespace PT_ISA {

struct BFloat16 {
  static float widen(uint16_t bits) { return bf16_to_float(bf16{bits}); }
  static uint16_t round(float f) { return float_to_bf16(f).bits; }
  // widen(round(f)) in words of 32 bits alone, of which compilers make vectors.
  static float rounded(float f) {
    const uint32_t bits = bit_cast<uint32_t>(f), magnitude = bits & 0x7fffffffu;
    const uint32_t number = bits + 0x7fffu + ((bits >> 16) & 1u), quiet_nan = bits | 0x400000u;
    return bit_cast<float>((magnitude > 0x7f800000u ? quiet_nan : number) & 0xffff0000u);
  }
};

struct Float16 {
  static float widen(uint16_t bits) { return f16_to_float(f16{bits}); }
  static uint16_t round(float f) { return float_to_f16(f).bits; }
  static float rounded(float f) { return widen(round(f)); }
};

template <class Half>
inline void widen_row(const uint16_t* src, int64_t step, int64_t n, float* dst) {
  if (step == 1) {
    for (int64_t i = 0; i < n; ++i) dst[i] = Half::widen(src[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i] = Half::widen(src[i * step]);
  }
}

inline float pair_of(uint16_t even, uint16_t odd) {
  const uint32_t bits = static_cast<uint32_t>(odd) << 16 | even;
  float pair;
  __builtin_memcpy(&pair, &bits, sizeof(pair));
  return pair;
}

// dst[i] is the pair of even[i] and odd[i], as the bits of a float.
inline void pair_row(const uint16_t* even, const uint16_t* odd, int64_t step, int64_t n, float* dst) {
  if (step == 1) {
    for (int64_t i = 0; i < n; ++i) dst[i] = pair_of(even[i], odd[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i] = pair_of(even[i * step], odd[i * step]);
  }
}

// The same values, rounded but wide.
template <class Half>
inline void round_in_row(float* values, int64_t n) {
  for (int64_t i = 0; i < n; ++i) values[i] = Half::rounded(values[i]);
}

template <class Half>
inline void round_row(const float* src, int64_t n, uint16_t* dst, int64_t step) {
  if (step == 1) {
    for (int64_t i = 0; i < n; ++i) dst[i] = Half::round(src[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i * step] = Half::round(src[i]);
  }
}

}  // namespace PT_ISA
}  // namespace pt
