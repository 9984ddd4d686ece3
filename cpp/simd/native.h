// The registers of the instruction set that this translation unit is compiled for: native<T> wraps one register of T,
// flags<bytes> one register of comparison results for lanes of that many bytes. The only place where instruction sets
// differ; vec.h builds everything else from these. No function here may give different bits than its neighbours.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PT_FN inline __attribute__((always_inline))
#define PT_UNROLL _Pragma("GCC unroll 8")

namespace pt {
namespace PT_ISA {

// Storage types: arithmetic happens in float.
struct f16 {
  uint16_t bits;
};
struct bf16 {
  uint16_t bits;
};

template <class T>
struct native;
template <int kBytes>
struct flags;

template <class To, class From>
PT_FN To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof(to));
  return to;
}

}  // namespace PT_ISA
}  // namespace pt

#include "simd/half.h"

#if defined(PT_ISA_avx512)
#include "simd/native_avx512.h"
#elif defined(PT_ISA_avx2)
#include "simd/native_avx2.h"
#elif defined(PT_ISA_neon)
#include "simd/native_neon.h"
#else
#include "simd/native_generic.h"
#endif
