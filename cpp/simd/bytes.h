// Integers of 8 and 4 bits for matrix products: as floats, and as products of bytes that are summed in 32 bits. All
// sums of integers here are exact, modulo 2^32, so the two ways to multiply give the same bits in any order.
#pragma once
#include "simd/gemm_vec.h"

namespace pt {
namespace PT_ISA {

// Where the codes of 4 bits have their zero.
inline constexpr int kMiddle4 = 8;

// Register<int32_t> holds sums; its loads also read operands of them, of which a lane is four bytes or two numbers of
// 16 bits.
#if defined(PT_ISA_avx512)

template <>
struct Register<int32_t> {
  static constexpr int kLanes = 16;
  __m512i v;
  static Register load(const void* p) { return {_mm512_loadu_si512(p)}; }
  static Register broadcast(int32_t x) { return {_mm512_set1_epi32(x)}; }
  void store(int32_t* p) const { _mm512_storeu_si512(p, v); }
};
inline Register<int32_t> operator+(Register<int32_t> a, Register<int32_t> b) { return {_mm512_add_epi32(a.v, b.v)}; }
inline Register<int32_t> add_pairs(Register<int32_t> c, Register<int32_t> a, Register<int32_t> b) {
  return {_mm512_add_epi32(c.v, _mm512_madd_epi16(a.v, b.v))};
}
inline Register<float> operator*(Register<float> a, Register<float> b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Register<float> widen(const int8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
inline void widen_halves(const uint8_t* p, Register<float>& low, Register<float>& high) {
  const __m512i middle = _mm512_set1_epi32(kMiddle4);
  const __m512i both = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  low.v = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_and_si512(both, _mm512_set1_epi32(15)), middle));
  high.v = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_srli_epi32(both, 4), middle));
}

#if !defined(PT_EMULATE_AVX512)
// As assembly: an intrinsic would want the whole function compiled for such a processor.
inline constexpr bool kHasQuads = true;
inline Register<int32_t> add_quads(Register<int32_t> c, Register<int32_t> unsigned_, Register<int32_t> signed_) {
  asm("vpdpbusd %2, %1, %0" : "+v"(c.v) : "v"(unsigned_.v), "v"(signed_.v));
  return c;
}
#define PT_HAS_QUADS
#endif

#elif defined(PT_ISA_avx2)

template <>
struct Register<int32_t> {
  static constexpr int kLanes = 8;
  __m256i v;
  static Register load(const void* p) { return {_mm256_loadu_si256(static_cast<const __m256i*>(p))}; }
  static Register broadcast(int32_t x) { return {_mm256_set1_epi32(x)}; }
  void store(int32_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
};
inline Register<int32_t> operator+(Register<int32_t> a, Register<int32_t> b) { return {_mm256_add_epi32(a.v, b.v)}; }
inline Register<int32_t> add_pairs(Register<int32_t> c, Register<int32_t> a, Register<int32_t> b) {
  return {_mm256_add_epi32(c.v, _mm256_madd_epi16(a.v, b.v))};
}
inline Register<float> operator*(Register<float> a, Register<float> b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Register<float> widen(const int8_t* p) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}
inline void widen_halves(const uint8_t* p, Register<float>& low, Register<float>& high) {
  const __m256i middle = _mm256_set1_epi32(kMiddle4);
  const __m256i both = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  low.v = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_and_si256(both, _mm256_set1_epi32(15)), middle));
  high.v = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(both, 4), middle));
}

inline constexpr bool kHasQuads = true;  // AVX-VNNI
inline Register<int32_t> add_quads(Register<int32_t> c, Register<int32_t> unsigned_, Register<int32_t> signed_) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(c.v) : "x"(unsigned_.v), "x"(signed_.v));
  return c;
}
#define PT_HAS_QUADS

#elif defined(PT_ISA_neon)

template <>
struct Register<int32_t> {
  static constexpr int kLanes = 4;
  int32x4_t v;
  static Register load(const void* p) { return {vreinterpretq_s32_u8(vld1q_u8(static_cast<const uint8_t*>(p)))}; }
  static Register broadcast(int32_t x) { return {vdupq_n_s32(x)}; }
  void store(int32_t* p) const { vst1q_s32(p, v); }
};
inline Register<int32_t> operator+(Register<int32_t> a, Register<int32_t> b) { return {vaddq_s32(a.v, b.v)}; }
inline Register<int32_t> add_pairs(Register<int32_t> c, Register<int32_t> a, Register<int32_t> b) {
  const int16x8_t x = vreinterpretq_s16_s32(a.v), y = vreinterpretq_s16_s32(b.v);
  const int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y)), high = vmull_high_s16(x, y);
  return {vaddq_s32(c.v, vpaddq_s32(low, high))};
}
inline Register<float> operator*(Register<float> a, Register<float> b) { return {vmulq_f32(a.v, b.v)}; }
inline int16x8_t load_four(const void* p, bool is_signed) {
  uint32_t bytes;
  __builtin_memcpy(&bytes, p, sizeof(bytes));
  const uint8x8_t x = vreinterpret_u8_u32(vdup_n_u32(bytes));
  return is_signed ? vmovl_s8(vreinterpret_s8_u8(x)) : vreinterpretq_s16_u16(vmovl_u8(x));
}
inline Register<float> widen(const int8_t* p) { return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(load_four(p, true))))}; }
inline void widen_halves(const uint8_t* p, Register<float>& low, Register<float>& high) {
  const int32x4_t both = vmovl_s16(vget_low_s16(load_four(p, false))), middle = vdupq_n_s32(kMiddle4);
  low.v = vcvtq_f32_s32(vsubq_s32(vandq_s32(both, vdupq_n_s32(15)), middle));
  high.v = vcvtq_f32_s32(vsubq_s32(vshrq_n_s32(both, 4), middle));
}

#else  // generic

template <>
struct Register<int32_t> {
  static constexpr int kLanes = 4;
  int32_t v[kLanes];
  static Register load(const void* p) {
    Register r;
    __builtin_memcpy(r.v, p, sizeof(r.v));
    return r;
  }
  static Register broadcast(int32_t x) { return {{x, x, x, x}}; }
  void store(int32_t* p) const { __builtin_memcpy(p, v, sizeof(v)); }
};
// Sums wrap as those of the other instruction sets do.
inline int32_t wrapping_sum(int32_t a, int32_t b) { return int32_t(uint32_t(a) + uint32_t(b)); }
inline Register<int32_t> operator+(Register<int32_t> a, Register<int32_t> b) {
  for (int i = 0; i < a.kLanes; ++i) a.v[i] = wrapping_sum(a.v[i], b.v[i]);
  return a;
}
inline Register<int32_t> add_pairs(Register<int32_t> c, Register<int32_t> a, Register<int32_t> b) {
  for (int i = 0; i < c.kLanes; ++i) {
    const int32_t low = int32_t(int16_t(a.v[i])) * int16_t(b.v[i]), high = (a.v[i] >> 16) * (b.v[i] >> 16);
    c.v[i] = wrapping_sum(c.v[i], low + high);
  }
  return c;
}
inline Register<float> operator*(Register<float> a, Register<float> b) {
  for (int i = 0; i < a.kLanes; ++i) a.v[i] *= b.v[i];
  return a;
}
inline Register<float> widen(const int8_t* p) { return {float(p[0]), float(p[1]), float(p[2]), float(p[3])}; }
inline void widen_halves(const uint8_t* p, Register<float>& low, Register<float>& high) {
  for (int i = 0; i < low.kLanes; ++i) {
    low.v[i] = float((p[i] & 15) - kMiddle4);
    high.v[i] = float((p[i] >> 4) - kMiddle4);
  }
}

#endif

#if !defined(PT_HAS_QUADS)
inline constexpr bool kHasQuads = false;
inline Register<int32_t> add_quads(Register<int32_t> c, Register<int32_t>, Register<int32_t>) {
  return c;
}  // not called
#endif

// Sixteen columns of two rows as pairs of 16 bits, and of four rows as quads of bytes whose bits `flip` turns over:
// what a step of add_pairs and of add_quads takes. Both write 64 bytes.
#if defined(PT_ISA_avx512) || defined(PT_ISA_avx2)
inline __m128i load_columns(const int8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline void interleave_pairs(const int8_t* const (&row)[2], char* out) {
  const __m128i a = load_columns(row[0]), b = load_columns(row[1]);
  __m256i* to = reinterpret_cast<__m256i*>(out);
  _mm256_storeu_si256(to, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)));
  _mm256_storeu_si256(to + 1, _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b)));
}
inline void interleave_quads(const int8_t* const (&row)[4], uint8_t flip, char* out) {
  const __m128i turned = _mm_set1_epi8(static_cast<char>(flip));
  const __m128i a = _mm_xor_si128(load_columns(row[0]), turned), b = _mm_xor_si128(load_columns(row[1]), turned);
  const __m128i c = _mm_xor_si128(load_columns(row[2]), turned), d = _mm_xor_si128(load_columns(row[3]), turned);
  const __m128i ab = _mm_unpacklo_epi8(a, b), cd = _mm_unpacklo_epi8(c, d);
  const __m128i ab_high = _mm_unpackhi_epi8(a, b), cd_high = _mm_unpackhi_epi8(c, d);
  __m128i* to = reinterpret_cast<__m128i*>(out);
  _mm_storeu_si128(to, _mm_unpacklo_epi16(ab, cd));
  _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(ab, cd));
  _mm_storeu_si128(to + 2, _mm_unpacklo_epi16(ab_high, cd_high));
  _mm_storeu_si128(to + 3, _mm_unpackhi_epi16(ab_high, cd_high));
}
#else
inline void interleave_pairs(const int8_t* const (&row)[2], char* out) {
  for (int j = 0; j < 16; ++j)
    for (int i = 0; i < 2; ++i) {
      const int16_t wide = row[i][j];
      __builtin_memcpy(out + 4 * j + 2 * i, &wide, sizeof(wide));
    }
}
inline void interleave_quads(const int8_t* const (&row)[4], uint8_t flip, char* out) {
  for (int j = 0; j < 16; ++j)
    for (int i = 0; i < 4; ++i) out[4 * j + i] = static_cast<char>(uint8_t(row[i][j]) ^ flip);
}
#endif

}  // namespace PT_ISA
}  // namespace pt
