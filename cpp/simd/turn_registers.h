// Transposes as many registers as each has lanes, where they are enough for it. Stored whole, a step of many columns is
// loaded again at once, where halves would first have to reach the cache.
#pragma once
#include "simd/gemm_vec.h"

namespace pt {
namespace PT_ISA {

#if defined(PT_ISA_avx512) && !defined(PT_EMULATE_AVX512)
inline constexpr bool kTurnsRegisters = true;
PT_FN void turn_registers(Register<float> (&r)[16]) {
  __m512 t[16], u[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i].v, r[i + 1].v);
    t[i + 1] = _mm512_unpackhi_ps(r[i].v, r[i + 1].v);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    u[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xEE);
    u[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {  // quarters 0 and 2 of a register of four rows, then 1 and 3
    const __m512 even = _mm512_shuffle_f32x4(u[i], u[i + 4], 0x88), odd = _mm512_shuffle_f32x4(u[i], u[i + 4], 0xDD);
    const __m512 even_after = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0x88);
    const __m512 odd_after = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0xDD);
    r[i].v = _mm512_shuffle_f32x4(even, even_after, 0x88);
    r[i + 4].v = _mm512_shuffle_f32x4(odd, odd_after, 0x88);
    r[i + 8].v = _mm512_shuffle_f32x4(even, even_after, 0xDD);
    r[i + 12].v = _mm512_shuffle_f32x4(odd, odd_after, 0xDD);
  }
}
#else
inline constexpr bool kTurnsRegisters = false;
inline void turn_registers(Register<float>*) {}  // never called
#endif

}  // namespace PT_ISA
}  // namespace pt
