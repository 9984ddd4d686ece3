// Masked loads and stores for the emulated AVX-512: SIMDe 0.7 reads whole registers, and its masked stores write zeros
// to the lanes that must stay as they are. Can go when SIMDe's own touch only the lanes of the mask.
#pragma once

namespace pt {
namespace PT_ISA {

template <class T, class Reg>
PT_FN Reg emulated_load(unsigned mask, const void* from) {
  T lanes[64 / sizeof(T)] = {};
  const T* p = static_cast<const T*>(from);
  for (unsigned i = 0; i < 64 / sizeof(T); ++i) {
    if (mask >> i & 1) lanes[i] = p[i];
  }
  Reg value;
  __builtin_memcpy(&value, lanes, sizeof(value));
  return value;
}

template <class T, class Reg>
PT_FN void emulated_store(void* to, unsigned mask, Reg value) {
  T lanes[64 / sizeof(T)];
  __builtin_memcpy(lanes, &value, sizeof(lanes));
  T* p = static_cast<T*>(to);
  for (unsigned i = 0; i < 64 / sizeof(T); ++i) {
    if (mask >> i & 1) p[i] = lanes[i];
  }
}

}  // namespace PT_ISA
}  // namespace pt

#undef _mm512_maskz_loadu_ps
#undef _mm512_maskz_loadu_pd
#undef _mm512_maskz_loadu_epi64
#undef _mm512_mask_storeu_ps
#undef _mm512_mask_storeu_pd
#undef _mm512_mask_storeu_epi32
#undef _mm512_mask_storeu_epi64
#define _mm512_maskz_loadu_ps(k, p) emulated_load<float, __m512>(k, p)
#define _mm512_maskz_loadu_pd(k, p) emulated_load<double, __m512d>(k, p)
#define _mm512_maskz_loadu_epi64(k, p) emulated_load<int64_t, __m512i>(k, p)
#define _mm512_mask_storeu_ps(p, k, a) emulated_store<float>(p, k, a)
#define _mm512_mask_storeu_pd(p, k, a) emulated_store<double>(p, k, a)
#define _mm512_mask_storeu_epi32(p, k, a) emulated_store<int32_t>(p, k, a)
#define _mm512_mask_storeu_epi64(p, k, a) emulated_store<int64_t>(p, k, a)
