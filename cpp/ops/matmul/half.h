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
};

struct Float16 {
  static float widen(uint16_t bits) { return f16_to_float(f16{bits}); }
  static uint16_t round(float f) { return float_to_f16(f).bits; }
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
