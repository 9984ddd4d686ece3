// f16 and bf16 as a product reads and writes them: widened exactly, rounded to nearest even. Plain integer arithmetic,
// so that every instruction set gives the same bits; the compiler turns the loops into vectors.
#pragma once
#include <stdint.h>

#include "core/dtype.h"

namespace pt {
namespace PT_ISA {

inline float float_of_bits(uint32_t bits) { return __builtin_bit_cast(float, bits); }
inline uint32_t bits_of_float(float value) { return __builtin_bit_cast(uint32_t, value); }

struct BFloat16 {
  static float widen(uint16_t h) { return float_of_bits(static_cast<uint32_t>(h) << 16); }
  static uint16_t round(float f) {
    const uint32_t bits = bits_of_float(f);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
    const uint32_t nan = (bits >> 16) | 0x40;
    return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
  }
};

struct Float16 {
  static float widen(uint16_t h) {
    const uint32_t magnitude = static_cast<uint32_t>(h & 0x7fff) << 13;
    const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
    // 2^112 moves the exponent's bias from 15 to 127, and is exact for denormals too.
    const uint32_t finite = bits_of_float(float_of_bits(magnitude) * 0x1p112f);
    const uint32_t special = magnitude | 0x7f800000u | (magnitude & 0x7fffff ? 0x400000u : 0u);
    return float_of_bits(sign | ((h & 0x7c00) == 0x7c00 ? special : finite));
  }
  static uint16_t round(float f) {
    const uint32_t bits = bits_of_float(f);
    const uint32_t magnitude = bits & 0x7fffffffu;
    const uint32_t sign = (bits >> 16) & 0x8000u;
    const uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1) - (112u << 23)) >> 13;
    // The last place of 0.5f is 2^-24, the smallest f16: the addition rounds a denormal.
    const uint32_t denormal = bits_of_float(float_of_bits(magnitude) + 0.5f) - bits_of_float(0.5f);
    const uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
    uint32_t result = magnitude < 0x38800000u ? denormal : normal;
    result = magnitude >= 0x477ff000u ? 0x7c00u : result;
    result = magnitude > 0x7f800000u ? nan : result;
    return static_cast<uint16_t>(sign | result);
  }
};

template <class Half>
inline void widen_row(const uint16_t* src, int64_t step, int64_t n, float* dst) {
  if (step == 1) {
    for (int64_t i = 0; i < n; ++i) dst[i] = Half::widen(src[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i] = Half::widen(src[i * step]);
  }
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
