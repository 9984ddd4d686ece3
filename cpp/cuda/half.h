// Numbers of 16 bits on the device, as the CPU converts them (simd/half.h), and elements of any float dtype.
#pragma once
#include "core/dtype.h"
#include "cuda/kernel.h"
#include "simd/native.h"

namespace pt::cuda {

PT_DEVICE float bf16_to_float(uint16_t x) { return PT_ISA::bf16_to_float(PT_ISA::bf16{x}); }
PT_DEVICE uint16_t float_to_bf16(float x) { return PT_ISA::float_to_bf16(x).bits; }
PT_DEVICE float f16_to_float(uint16_t x) { return PT_ISA::f16_to_float(PT_ISA::f16{x}); }
PT_DEVICE uint16_t float_to_f16(float x) { return PT_ISA::float_to_f16(x).bits; }

// Two numbers in the halves of a register, the first in the lower one.
template <bool kBfloat>
PT_DEVICE uint32_t pack_halves(float low, float high) {
#if defined(PT_CUDA_SIM)
  return kBfloat ? float_to_bf16(low) | uint32_t(float_to_bf16(high)) << 16
                 : float_to_f16(low) | uint32_t(float_to_f16(high)) << 16;
#else
  uint32_t bits;
  if constexpr (kBfloat) {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  }
  return bits;
#endif
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
