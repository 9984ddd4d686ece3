// Moves of bf16 in registers, for products by the processor's own instructions: two neighbours along K make a pair.
#pragma once
#include <stdint.h>

#include "simd/gemm_vec.h"
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

#if defined(PT_ISA_avx512) && !defined(PT_EMULATE_AVX512)

// 32 numbers of bf16, or 16 pairs of them.
struct Bf16x32 {
  __m512i v;
  static Bf16x32 load(const uint16_t* p) { return {_mm512_loadu_si512(p)}; }
  static Bf16x32 load_first(const uint16_t* p, int64_t n) {
    return {_mm512_maskz_loadu_epi16(static_cast<__mmask32>((uint64_t{1} << n) - 1), p)};
  }
  static Bf16x32 load_16(const uint16_t* p) {
    return {_mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Bf16x32 zero() { return {_mm512_setzero_si512()}; }
  void store(void* p) const { _mm512_storeu_si512(p, v); }
  void store_first_pairs(void* p, int64_t n) const {
    _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << n) - 1), v);
  }
  void store_first(uint16_t* p, int64_t n) const {
    _mm512_mask_storeu_epi16(p, static_cast<__mmask32>((uint64_t{1} << n) - 1), v);
  }
};

// Rounded to nearest even by the processor's own instruction, which takes subnormal numbers for 0.
PT_FOR_PAIRS inline Bf16x32 round_normal(Register<float> low, Register<float> high) {
  return {(__m512i)_mm512_cvtne2ps_pbh(high.v, low.v)};
}
// Not 0 if there are any.
PT_FN uint32_t find_subnormal(Register<float> x) { return _mm512_fpclass_ps_mask(x.v, 0x20); }

// The pairs (even[i], odd[i]) for i < 16, and for the other 16.
PT_FN void interleave(Bf16x32 even, Bf16x32 odd, Bf16x32& low, Bf16x32& high) {
  const __m512i order = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
                upper = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  const __m512i a = _mm512_unpacklo_epi16(even.v, odd.v), b = _mm512_unpackhi_epi16(even.v, odd.v);
  low = {_mm512_permutex2var_epi64(a, order, b)};
  high = {_mm512_permutex2var_epi64(a, upper, b)};
}

// The pairs (even[i], odd[i]) for i < 16 alone.
PT_FN Bf16x32 interleave_16(Bf16x32 even, Bf16x32 odd) {
  alignas(64) static constexpr uint16_t kOrder[32] = {0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                                                      8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  return {_mm512_permutex2var_epi16(even.v, _mm512_load_si512(kOrder), odd.v)};
}

// Turns 16 rows of 16 pairs: pair j of row[i] becomes pair i of turned[j].
PT_FN void turn_pairs(const Bf16x32 (&row)[16], Bf16x32 (&turned)[16]) {
  __m512i t[16], u[16];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(row[2 * i].v, row[2 * i + 1].v);
    t[2 * i + 1] = _mm512_unpackhi_epi32(row[2 * i].v, row[2 * i + 1].v);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) {
      u[4 * i + 2 * j] = _mm512_unpacklo_epi64(t[4 * i + j], t[4 * i + 2 + j]);
      u[4 * i + 2 * j + 1] = _mm512_unpackhi_epi64(t[4 * i + j], t[4 * i + 2 + j]);
    }
  }
  // u[4 i + j] holds column 4 q + j of rows 4 i ... 4 i + 3 in its quarter q.
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i a = _mm512_shuffle_i32x4(u[j], u[4 + j], 0x88), b = _mm512_shuffle_i32x4(u[j], u[4 + j], 0xdd);
    const __m512i c = _mm512_shuffle_i32x4(u[8 + j], u[12 + j], 0x88);
    const __m512i d = _mm512_shuffle_i32x4(u[8 + j], u[12 + j], 0xdd);
    turned[j] = {_mm512_shuffle_i32x4(a, c, 0x88)};
    turned[4 + j] = {_mm512_shuffle_i32x4(b, d, 0x88)};
    turned[8 + j] = {_mm512_shuffle_i32x4(a, c, 0xdd)};
    turned[12 + j] = {_mm512_shuffle_i32x4(b, d, 0xdd)};
  }
}

#else  // never called

struct Bf16x32 {
  static Bf16x32 load(const uint16_t*) { return {}; }
  static Bf16x32 load_first(const uint16_t*, int64_t) { return {}; }
  static Bf16x32 load_16(const uint16_t*) { return {}; }
  static Bf16x32 zero() { return {}; }
  void store(void*) const {}
  void store_first_pairs(void*, int64_t) const {}
  void store_first(uint16_t*, int64_t) const {}
};
inline Bf16x32 round_normal(Register<float>, Register<float>) { return {}; }
inline uint32_t find_subnormal(Register<float>) { return 0; }
inline void interleave(Bf16x32, Bf16x32, Bf16x32&, Bf16x32&) {}
inline Bf16x32 interleave_16(Bf16x32, Bf16x32) { return {}; }
inline void turn_pairs(const Bf16x32 (&)[16], Bf16x32 (&)[16]) {}

#endif

PT_FN Bf16x32 load_some(const uint16_t* p, int64_t n) {
  return n >= 32 ? Bf16x32::load(p) : n > 0 ? Bf16x32::load_first(p, n) : Bf16x32::zero();
}

}  // namespace PT_ISA
}  // namespace pt
