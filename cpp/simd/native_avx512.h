// AVX-512 (F, BW, DQ, VL): registers of 64 bytes, flags are bits of a mask register. With PT_EMULATE_AVX512 the same
// source runs through SIMDe, so that it can be tested on a processor without AVX-512.
#pragma once
#ifdef PT_EMULATE_AVX512
#define SIMDE_ENABLE_NATIVE_ALIASES
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#pragma GCC diagnostic pop
#include "simd/emulated_masks.h"
#else
#include <immintrin.h>
#endif

namespace pt {
namespace PT_ISA {

// Named, because SIMDe's macros misread an expression.
constexpr int kRoundDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
constexpr int kRoundUp = _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC;
constexpr int kRoundEven = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
constexpr int kRoundZero = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;

// The bits of the first n of `lanes` lanes.
PT_FN unsigned first_lanes(int64_t n, int lanes) {
  int64_t count = n < 0 ? 0 : n > lanes ? lanes : n;
  return (1u << count) - 1u;
}

template <>
struct flags<4> {
  using reg = __mmask16;
  static PT_FN reg both(reg a, reg b) { return reg(a & b); }
  static PT_FN reg either(reg a, reg b) { return reg(a | b); }
  static PT_FN reg differ(reg a, reg b) { return reg(a ^ b); }
  static PT_FN reg invert(reg a) { return reg(~a); }
  static PT_FN bool any(reg a) { return a != 0; }
  static PT_FN bool all(reg a) { return a == 0xffff; }
  static PT_FN reg load(const uint8_t* p) {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return reg(~unsigned(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()))));
  }
  static PT_FN void store(uint8_t* p, reg a) {
    __m128i bytes = _mm_and_si128(_mm_movm_epi8(a), _mm_set1_epi8(1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  }
};

template <>
struct flags<8> {
  using reg = __mmask8;
  static PT_FN reg both(reg a, reg b) { return reg(a & b); }
  static PT_FN reg either(reg a, reg b) { return reg(a | b); }
  static PT_FN reg differ(reg a, reg b) { return reg(a ^ b); }
  static PT_FN reg invert(reg a) { return reg(~a); }
  static PT_FN bool any(reg a) { return a != 0; }
  static PT_FN bool all(reg a) { return a == 0xff; }
  static PT_FN reg load(const uint8_t* p) {
    __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return reg(~unsigned(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()))));
  }
  static PT_FN void store(uint8_t* p, reg a) {
    __m128i bytes = _mm_and_si128(_mm_movm_epi8(__mmask16(a)), _mm_set1_epi8(1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), bytes);
  }
};

template <>
struct native<float> {
  using reg = __m512;
  using flag = flags<4>;
  using mask = __mmask16;
  static constexpr int lanes = 16;
  static PT_FN reg load(const float* p) { return _mm512_loadu_ps(p); }
  static PT_FN void store(float* p, reg a) { _mm512_storeu_ps(p, a); }
  static PT_FN reg load_n(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(mask(first_lanes(n, lanes)), p); }
  static PT_FN void store_n(float* p, reg a, int64_t n) { _mm512_mask_storeu_ps(p, mask(first_lanes(n, lanes)), a); }
  static PT_FN reg fill(float x) { return _mm512_set1_ps(x); }
  static PT_FN reg add(reg a, reg b) { return _mm512_add_ps(a, b); }
  static PT_FN reg sub(reg a, reg b) { return _mm512_sub_ps(a, b); }
  static PT_FN reg mul(reg a, reg b) { return _mm512_mul_ps(a, b); }
  static PT_FN reg div(reg a, reg b) { return _mm512_div_ps(a, b); }
  static PT_FN reg fma(reg a, reg b, reg c) { return _mm512_fmadd_ps(a, b, c); }
  // a 2^n for whole n, rounded once, and 0 for n below n_least, whatever a is, without a result that underflows: that
  // costs some processors 150 cycles.
  static PT_FN reg scale(reg a, reg n, float n_least) {
    return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(n, fill(n_least), _CMP_NLT_UQ), a, n);
  }
  static PT_FN reg sqrt(reg a) { return _mm512_sqrt_ps(a); }
  static PT_FN reg greater_of(reg a, reg b) { return _mm512_max_ps(a, b); }
  static PT_FN reg lesser_of(reg a, reg b) { return _mm512_min_ps(a, b); }
  static PT_FN reg floor(reg a) { return _mm512_roundscale_ps(a, kRoundDown); }
  static PT_FN reg ceil(reg a) { return _mm512_roundscale_ps(a, kRoundUp); }
  static PT_FN reg rint(reg a) { return _mm512_roundscale_ps(a, kRoundEven); }
  static PT_FN reg trunc(reg a) { return _mm512_roundscale_ps(a, kRoundZero); }
  static PT_FN mask eq(reg a, reg b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
  static PT_FN mask ne(reg a, reg b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
  static PT_FN mask lt(reg a, reg b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static PT_FN mask le(reg a, reg b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
  static PT_FN reg select(mask f, reg a, reg b) { return _mm512_mask_blend_ps(f, b, a); }
  static PT_FN __m512i to_bits(reg a) { return _mm512_castps_si512(a); }
  static PT_FN reg from_bits(__m512i a) { return _mm512_castsi512_ps(a); }
  static PT_FN __m512i to_int(reg a) { return _mm512_cvttps_epi32(a); }
  static PT_FN reg from_int(__m512i a) { return _mm512_cvtepi32_ps(a); }
  static PT_FN reg pick(const float* table, __m512i index) {  // is below 8
    return _mm512_permutexvar_ps(index, _mm512_broadcast_f32x8(_mm256_loadu_ps(table)));
  }
  static PT_FN reg load_half(const f16* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static PT_FN reg load_half(const bf16* p) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
  static PT_FN void store_half(f16* p, reg a) {
    // By halves, because SIMDe lacks the 64 byte form.
    __m256 low = _mm512_castps512_ps256(a);
    __m256 high = _mm256_castsi256_ps(_mm512_extracti64x4_epi64(_mm512_castps_si512(a), 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(low, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(high, _MM_FROUND_TO_NEAREST_INT));
  }
  static PT_FN void store_half(bf16* p, reg a) {
    __m512i bits = _mm512_castps_si512(a);
    __m512i upper = _mm512_srli_epi32(bits, 16);
    __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(bits, odd), _mm512_set1_epi32(0x7fff)), 16);
    __m512i quiet_nan = _mm512_or_si512(upper, _mm512_set1_epi32(0x40));
    mask is_nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    __m512i words = _mm512_mask_blend_epi32(is_nan, rounded, quiet_nan);
    __m512i packed =
        _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 0, 0, 0, 0), _mm512_packus_epi32(words, words));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_castsi512_si256(packed));
  }
};

template <>
struct native<double> {
  using reg = __m512d;
  using flag = flags<8>;
  using mask = __mmask8;
  static constexpr int lanes = 8;
  static PT_FN reg load(const double* p) { return _mm512_loadu_pd(p); }
  static PT_FN void store(double* p, reg a) { _mm512_storeu_pd(p, a); }
  static PT_FN reg load_n(const double* p, int64_t n) { return _mm512_maskz_loadu_pd(mask(first_lanes(n, lanes)), p); }
  static PT_FN void store_n(double* p, reg a, int64_t n) { _mm512_mask_storeu_pd(p, mask(first_lanes(n, lanes)), a); }
  static PT_FN reg fill(double x) { return _mm512_set1_pd(x); }
  static PT_FN reg add(reg a, reg b) { return _mm512_add_pd(a, b); }
  static PT_FN reg sub(reg a, reg b) { return _mm512_sub_pd(a, b); }
  static PT_FN reg mul(reg a, reg b) { return _mm512_mul_pd(a, b); }
  static PT_FN reg div(reg a, reg b) { return _mm512_div_pd(a, b); }
  static PT_FN reg fma(reg a, reg b, reg c) { return _mm512_fmadd_pd(a, b, c); }
  static PT_FN reg scale(reg a, reg n, double n_least) {
    return _mm512_maskz_scalef_pd(_mm512_cmp_pd_mask(n, fill(n_least), _CMP_NLT_UQ), a, n);
  }
  static PT_FN reg sqrt(reg a) { return _mm512_sqrt_pd(a); }
  static PT_FN reg greater_of(reg a, reg b) { return _mm512_max_pd(a, b); }
  static PT_FN reg lesser_of(reg a, reg b) { return _mm512_min_pd(a, b); }
  static PT_FN reg floor(reg a) { return _mm512_roundscale_pd(a, kRoundDown); }
  static PT_FN reg ceil(reg a) { return _mm512_roundscale_pd(a, kRoundUp); }
  static PT_FN reg rint(reg a) { return _mm512_roundscale_pd(a, kRoundEven); }
  static PT_FN reg trunc(reg a) { return _mm512_roundscale_pd(a, kRoundZero); }
  static PT_FN mask eq(reg a, reg b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
  static PT_FN mask ne(reg a, reg b) { return _mm512_cmp_pd_mask(a, b, _CMP_NEQ_UQ); }
  static PT_FN mask lt(reg a, reg b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
  static PT_FN mask le(reg a, reg b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
  static PT_FN reg select(mask f, reg a, reg b) { return _mm512_mask_blend_pd(f, b, a); }
  static PT_FN __m512i to_bits(reg a) { return _mm512_castpd_si512(a); }
  static PT_FN reg from_bits(__m512i a) { return _mm512_castsi512_pd(a); }
};

// What 32 and 64 bit integers share.
struct native_int {
  using reg = __m512i;
  static PT_FN reg bit_and(reg a, reg b) { return _mm512_and_si512(a, b); }
  static PT_FN reg bit_or(reg a, reg b) { return _mm512_or_si512(a, b); }
  static PT_FN reg bit_xor(reg a, reg b) { return _mm512_xor_si512(a, b); }
  static PT_FN reg to_bits(reg a) { return a; }
  static PT_FN reg from_bits(reg a) { return a; }
};

template <>
struct native<int32_t> : native_int {
  using flag = flags<4>;
  using mask = __mmask16;
  static constexpr int lanes = 16;
  static PT_FN reg load(const int32_t* p) { return _mm512_loadu_si512(p); }
  static PT_FN void store(int32_t* p, reg a) { _mm512_storeu_si512(p, a); }
  // Through float loads: same bits, and SIMDe lacks the integer form.
  static PT_FN reg load_n(const int32_t* p, int64_t n) {
    return _mm512_castps_si512(_mm512_maskz_loadu_ps(mask(first_lanes(n, lanes)), p));
  }
  static PT_FN void store_n(int32_t* p, reg a, int64_t n) {
    _mm512_mask_storeu_epi32(p, mask(first_lanes(n, lanes)), a);
  }
  static PT_FN reg fill(int32_t x) { return _mm512_set1_epi32(x); }
  static PT_FN reg add(reg a, reg b) { return _mm512_add_epi32(a, b); }
  static PT_FN reg sub(reg a, reg b) { return _mm512_sub_epi32(a, b); }
  static PT_FN reg mul(reg a, reg b) { return _mm512_mullo_epi32(a, b); }
  static PT_FN reg shift_left(reg a, int n) { return _mm512_slli_epi32(a, unsigned(n)); }
  static PT_FN reg shift_right(reg a, int n) { return _mm512_srli_epi32(a, unsigned(n)); }
  static PT_FN mask eq(reg a, reg b) { return _mm512_cmpeq_epi32_mask(a, b); }
  static PT_FN mask ne(reg a, reg b) { return flag::invert(_mm512_cmpeq_epi32_mask(a, b)); }
  static PT_FN mask lt(reg a, reg b) { return _mm512_cmpgt_epi32_mask(b, a); }
  static PT_FN mask le(reg a, reg b) { return flag::invert(_mm512_cmpgt_epi32_mask(a, b)); }
  static PT_FN reg select(mask f, reg a, reg b) { return _mm512_mask_blend_epi32(f, b, a); }
};

template <>
struct native<int64_t> : native_int {
  using flag = flags<8>;
  using mask = __mmask8;
  static constexpr int lanes = 8;
  static PT_FN reg load(const int64_t* p) { return _mm512_loadu_si512(p); }
  static PT_FN void store(int64_t* p, reg a) { _mm512_storeu_si512(p, a); }
  static PT_FN reg load_n(const int64_t* p, int64_t n) {
    return _mm512_maskz_loadu_epi64(mask(first_lanes(n, lanes)), p);
  }
  static PT_FN void store_n(int64_t* p, reg a, int64_t n) {
    _mm512_mask_storeu_epi64(p, mask(first_lanes(n, lanes)), a);
  }
  static PT_FN reg fill(int64_t x) { return _mm512_set1_epi64(x); }
  static PT_FN reg add(reg a, reg b) { return _mm512_add_epi64(a, b); }
  static PT_FN reg sub(reg a, reg b) { return _mm512_sub_epi64(a, b); }
  static PT_FN reg mul(reg a, reg b) { return _mm512_mullo_epi64(a, b); }
  static PT_FN reg shift_left(reg a, int n) { return _mm512_slli_epi64(a, unsigned(n)); }
  static PT_FN reg shift_right(reg a, int n) { return _mm512_srli_epi64(a, unsigned(n)); }
  static PT_FN mask eq(reg a, reg b) { return _mm512_cmpeq_epi64_mask(a, b); }
  static PT_FN mask ne(reg a, reg b) { return flag::invert(_mm512_cmpeq_epi64_mask(a, b)); }
  static PT_FN mask lt(reg a, reg b) { return _mm512_cmpgt_epi64_mask(b, a); }
  static PT_FN mask le(reg a, reg b) { return flag::invert(_mm512_cmpgt_epi64_mask(a, b)); }
  static PT_FN reg select(mask f, reg a, reg b) { return _mm512_mask_blend_epi64(f, b, a); }
};

}  // namespace PT_ISA
}  // namespace pt
