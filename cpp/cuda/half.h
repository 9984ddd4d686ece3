// f16 and bf16 on the device, bit for bit as the CPU converts them: to nearest even, and a NaN stays one.
#pragma once
#include "core/dtype.h"
#include "cuda/kernel.h"

namespace pt::cuda {

PT_DEVICE float bf16_to_float(uint16_t x) { return __uint_as_float(uint32_t(x) << 16); }

PT_DEVICE uint16_t float_to_bf16(float x) {
  const uint32_t bits = __float_as_uint(x);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return uint16_t((bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16) | 0x40u : rounded);
}

PT_DEVICE float f16_to_float(uint16_t x) {
  const uint32_t sign = uint32_t(x & 0x8000u) << 16, magnitude = x & 0x7fffu;
  // Subtracting in float normalises a denormal half exactly.
  const float small = __uint_as_float((113u << 23) + (magnitude << 13)) - __uint_as_float(113u << 23);
  const uint32_t normal = (magnitude << 13) + (112u << 23);
  const uint32_t special = (magnitude << 13) | 0x7f800000u | (magnitude > 0x7c00u ? 0x400000u : 0u);
  const uint32_t bits = magnitude >= 0x7c00u ? special : magnitude >= 0x400u ? normal : __float_as_uint(small);
  return __uint_as_float(sign | bits);
}

PT_DEVICE uint16_t float_to_f16(float x) {
  const uint32_t bits = __float_as_uint(x), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  const uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  const uint32_t normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  // Adding 0.5 puts the units of a denormal half at the lowest bit of the float: the addition rounds.
  const uint32_t denormal = __float_as_uint(__uint_as_float(magnitude) + 0.5f) - __float_as_uint(0.5f);
  const uint32_t half = magnitude > 0x7f800000u     ? nan
                        : magnitude >= 0x477ff000u  ? 0x7c00u
                        : magnitude >= (113u << 23) ? normal
                                                    : denormal;
  return uint16_t(sign | half);
}

// Element i of an array of a float dtype whose arithmetic is T's: f64 in double, all others in float.
template <class T>
PT_DEVICE T load_float(const char* at, int64_t i, DType type) {
  if constexpr (sizeof(T) == 8) {
    return reinterpret_cast<const T*>(at)[i];
  } else {
    if (type == DType::F32) return reinterpret_cast<const float*>(at)[i];
    const uint16_t bits = reinterpret_cast<const uint16_t*>(at)[i];
    return type == DType::BF16 ? bf16_to_float(bits) : f16_to_float(bits);
  }
}

template <class T>
PT_DEVICE void store_float(char* at, int64_t i, DType type, T value) {
  if constexpr (sizeof(T) == 8) {
    reinterpret_cast<T*>(at)[i] = value;
  } else {
    if (type == DType::F32) {
      reinterpret_cast<float*>(at)[i] = value;
    } else {
      reinterpret_cast<uint16_t*>(at)[i] = type == DType::BF16 ? float_to_bf16(value) : float_to_f16(value);
    }
  }
}

// Numbers that are loaded and stored at once.
template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  T at[kCount];
};

PT_DEVICE bool is_aligned(const void* at, int bytes) { return reinterpret_cast<uintptr_t>(at) % bytes == 0; }

}  // namespace pt::cuda
