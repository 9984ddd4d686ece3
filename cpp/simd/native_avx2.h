// AVX2 with FMA and F16C (x86-64-v3): registers of 32 bytes. A flag is a whole lane of ones or zeros.
#pragma once
#include <immintrin.h>

namespace pt {
namespace PT_ISA {

// Lanes of ones followed by lanes of zeros: read at an offset, it is the mask of the first n lanes.
alignas(64) constexpr int32_t kFirst32[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
alignas(64) constexpr int64_t kFirst64[8] = {-1, -1, -1, -1};

template <>
struct flags<4> {
  using reg = __m256i;
  static PT_FN reg both(reg a, reg b) { return _mm256_and_si256(a, b); }
  static PT_FN reg either(reg a, reg b) { return _mm256_or_si256(a, b); }
  static PT_FN reg differ(reg a, reg b) { return _mm256_xor_si256(a, b); }
  static PT_FN reg invert(reg a) { return _mm256_xor_si256(a, _mm256_set1_epi32(-1)); }
  static PT_FN bool any(reg a) { return _mm256_movemask_epi8(a) != 0; }
  static PT_FN bool all(reg a) { return _mm256_movemask_epi8(a) == -1; }
  static PT_FN reg load(const uint8_t* p) {
    __m256i lanes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    return _mm256_cmpgt_epi32(lanes, _mm256_setzero_si256());
  }
  static PT_FN void store(uint8_t* p, reg a) {
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    __m128i bytes = _mm_and_si128(_mm_packs_epi16(words, words), _mm_set1_epi8(1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), bytes);
  }
};

template <>
struct flags<8> : flags<4> {
  static PT_FN reg load(const uint8_t* p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return _mm256_cmpgt_epi64(_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four)), _mm256_setzero_si256());
  }
  static PT_FN void store(uint8_t* p, reg a) {
    __m128i pairs = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    __m128i bytes = _mm_and_si128(_mm_packs_epi16(pairs, pairs), _mm_set1_epi8(1));
    int32_t four =
        _mm_cvtsi128_si32(_mm_shuffle_epi8(bytes, _mm_setr_epi8(0, 2, 4, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
    __builtin_memcpy(p, &four, 4);
  }
};

template <>
struct native<float> {
  using reg = __m256;
  using flag = flags<4>;
  static constexpr int lanes = 8;
  static PT_FN __m256i first(int64_t n) {
    int64_t count = n < 0 ? 0 : n > lanes ? lanes : n;
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst32 + lanes - count));
  }
  static PT_FN reg load(const float* p) { return _mm256_loadu_ps(p); }
  static PT_FN void store(float* p, reg a) { _mm256_storeu_ps(p, a); }
  static PT_FN reg load_n(const float* p, int64_t n) { return _mm256_maskload_ps(p, first(n)); }
  static PT_FN void store_n(float* p, reg a, int64_t n) { _mm256_maskstore_ps(p, first(n), a); }
  static PT_FN reg fill(float x) { return _mm256_set1_ps(x); }
  static PT_FN reg add(reg a, reg b) { return _mm256_add_ps(a, b); }
  static PT_FN reg sub(reg a, reg b) { return _mm256_sub_ps(a, b); }
  static PT_FN reg mul(reg a, reg b) { return _mm256_mul_ps(a, b); }
  static PT_FN reg div(reg a, reg b) { return _mm256_div_ps(a, b); }
  static PT_FN reg fma(reg a, reg b, reg c) { return _mm256_fmadd_ps(a, b, c); }
  static PT_FN reg sqrt(reg a) { return _mm256_sqrt_ps(a); }
  static PT_FN reg greater_of(reg a, reg b) { return _mm256_max_ps(a, b); }
  static PT_FN reg lesser_of(reg a, reg b) { return _mm256_min_ps(a, b); }
  static PT_FN reg floor(reg a) { return _mm256_floor_ps(a); }
  static PT_FN reg ceil(reg a) { return _mm256_ceil_ps(a); }
  static PT_FN reg rint(reg a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static PT_FN reg trunc(reg a) { return _mm256_round_ps(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
  static PT_FN __m256i eq(reg a, reg b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_EQ_OQ)); }
  static PT_FN __m256i ne(reg a, reg b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_NEQ_UQ)); }
  static PT_FN __m256i lt(reg a, reg b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LT_OQ)); }
  static PT_FN __m256i le(reg a, reg b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LE_OQ)); }
  static PT_FN reg select(__m256i f, reg a, reg b) { return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(f)); }
  static PT_FN __m256i to_bits(reg a) { return _mm256_castps_si256(a); }
  static PT_FN reg from_bits(__m256i a) { return _mm256_castsi256_ps(a); }
  static PT_FN __m256i to_int(reg a) { return _mm256_cvttps_epi32(a); }
  static PT_FN reg from_int(__m256i a) { return _mm256_cvtepi32_ps(a); }
  static PT_FN reg pick(const float* table, __m256i index) {
    return _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index);
  }
  static PT_FN reg load_half(const f16* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static PT_FN reg load_half(const bf16* p) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  static PT_FN void store_half(f16* p, reg a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
  }
  static PT_FN void store_half(bf16* p, reg a) {
    __m256i bits = _mm256_castps_si256(a);
    __m256i upper = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, odd), _mm256_set1_epi32(0x7fff)), 16);
    __m256i quiet_nan = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
    __m256i words = _mm256_blendv_epi8(rounded, quiet_nan, is_nan);
    __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
  }
};

template <>
struct native<double> {
  using reg = __m256d;
  using flag = flags<8>;
  static constexpr int lanes = 4;
  static PT_FN __m256i first(int64_t n) {
    int64_t count = n < 0 ? 0 : n > lanes ? lanes : n;
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst64 + lanes - count));
  }
  static PT_FN reg load(const double* p) { return _mm256_loadu_pd(p); }
  static PT_FN void store(double* p, reg a) { _mm256_storeu_pd(p, a); }
  static PT_FN reg load_n(const double* p, int64_t n) { return _mm256_maskload_pd(p, first(n)); }
  static PT_FN void store_n(double* p, reg a, int64_t n) { _mm256_maskstore_pd(p, first(n), a); }
  static PT_FN reg fill(double x) { return _mm256_set1_pd(x); }
  static PT_FN reg add(reg a, reg b) { return _mm256_add_pd(a, b); }
  static PT_FN reg sub(reg a, reg b) { return _mm256_sub_pd(a, b); }
  static PT_FN reg mul(reg a, reg b) { return _mm256_mul_pd(a, b); }
  static PT_FN reg div(reg a, reg b) { return _mm256_div_pd(a, b); }
  static PT_FN reg fma(reg a, reg b, reg c) { return _mm256_fmadd_pd(a, b, c); }
  static PT_FN reg sqrt(reg a) { return _mm256_sqrt_pd(a); }
  static PT_FN reg greater_of(reg a, reg b) { return _mm256_max_pd(a, b); }
  static PT_FN reg lesser_of(reg a, reg b) { return _mm256_min_pd(a, b); }
  static PT_FN reg floor(reg a) { return _mm256_floor_pd(a); }
  static PT_FN reg ceil(reg a) { return _mm256_ceil_pd(a); }
  static PT_FN reg rint(reg a) { return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static PT_FN reg trunc(reg a) { return _mm256_round_pd(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
  static PT_FN __m256i eq(reg a, reg b) { return _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_EQ_OQ)); }
  static PT_FN __m256i ne(reg a, reg b) { return _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_NEQ_UQ)); }
  static PT_FN __m256i lt(reg a, reg b) { return _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_LT_OQ)); }
  static PT_FN __m256i le(reg a, reg b) { return _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_LE_OQ)); }
  static PT_FN reg select(__m256i f, reg a, reg b) { return _mm256_blendv_pd(b, a, _mm256_castsi256_pd(f)); }
  static PT_FN __m256i to_bits(reg a) { return _mm256_castpd_si256(a); }
  static PT_FN reg from_bits(__m256i a) { return _mm256_castsi256_pd(a); }
};

// What 32 and 64 bit integers share.
template <int kBytes>
struct native_int {
  using reg = __m256i;
  using flag = flags<kBytes>;
  static PT_FN reg bit_and(reg a, reg b) { return _mm256_and_si256(a, b); }
  static PT_FN reg bit_or(reg a, reg b) { return _mm256_or_si256(a, b); }
  static PT_FN reg bit_xor(reg a, reg b) { return _mm256_xor_si256(a, b); }
  static PT_FN reg select(reg f, reg a, reg b) { return _mm256_blendv_epi8(b, a, f); }
  static PT_FN reg to_bits(reg a) { return a; }
  static PT_FN reg from_bits(reg a) { return a; }
};

template <>
struct native<int32_t> : native_int<4> {
  static constexpr int lanes = 8;
  static PT_FN reg load(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static PT_FN void store(int32_t* p, reg a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a); }
  static PT_FN reg load_n(const int32_t* p, int64_t n) { return _mm256_maskload_epi32(p, native<float>::first(n)); }
  static PT_FN void store_n(int32_t* p, reg a, int64_t n) { _mm256_maskstore_epi32(p, native<float>::first(n), a); }
  static PT_FN reg fill(int32_t x) { return _mm256_set1_epi32(x); }
  static PT_FN reg add(reg a, reg b) { return _mm256_add_epi32(a, b); }
  static PT_FN reg sub(reg a, reg b) { return _mm256_sub_epi32(a, b); }
  static PT_FN reg mul(reg a, reg b) { return _mm256_mullo_epi32(a, b); }
  static PT_FN reg shift_left(reg a, int n) { return _mm256_slli_epi32(a, n); }
  static PT_FN reg shift_right(reg a, int n) { return _mm256_srli_epi32(a, n); }
  static PT_FN reg eq(reg a, reg b) { return _mm256_cmpeq_epi32(a, b); }
  static PT_FN reg ne(reg a, reg b) { return flag::invert(_mm256_cmpeq_epi32(a, b)); }
  static PT_FN reg lt(reg a, reg b) { return _mm256_cmpgt_epi32(b, a); }
  static PT_FN reg le(reg a, reg b) { return flag::invert(_mm256_cmpgt_epi32(a, b)); }
};

template <>
struct native<int64_t> : native_int<8> {
  static constexpr int lanes = 4;
  static PT_FN const long long* wide(const int64_t* p) { return reinterpret_cast<const long long*>(p); }
  static PT_FN long long* wide(int64_t* p) { return reinterpret_cast<long long*>(p); }
  static PT_FN reg load(const int64_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static PT_FN void store(int64_t* p, reg a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a); }
  static PT_FN reg load_n(const int64_t* p, int64_t n) {
    return _mm256_maskload_epi64(wide(p), native<double>::first(n));
  }
  static PT_FN void store_n(int64_t* p, reg a, int64_t n) {
    _mm256_maskstore_epi64(wide(p), native<double>::first(n), a);
  }
  static PT_FN reg fill(int64_t x) { return _mm256_set1_epi64x(x); }
  static PT_FN reg add(reg a, reg b) { return _mm256_add_epi64(a, b); }
  static PT_FN reg sub(reg a, reg b) { return _mm256_sub_epi64(a, b); }
  static PT_FN reg mul(reg a, reg b) {
    // There is no 64 bit product: low halves in full, plus the cross products that reach the upper half.
    reg cross = _mm256_mullo_epi32(a, _mm256_shuffle_epi32(b, 0xb1));
    reg upper = _mm256_slli_epi64(_mm256_add_epi32(cross, _mm256_srli_epi64(cross, 32)), 32);
    return _mm256_add_epi64(_mm256_mul_epu32(a, b), upper);
  }
  static PT_FN reg shift_left(reg a, int n) { return _mm256_slli_epi64(a, n); }
  static PT_FN reg shift_right(reg a, int n) { return _mm256_srli_epi64(a, n); }
  static PT_FN reg eq(reg a, reg b) { return _mm256_cmpeq_epi64(a, b); }
  static PT_FN reg ne(reg a, reg b) { return flag::invert(_mm256_cmpeq_epi64(a, b)); }
  static PT_FN reg lt(reg a, reg b) { return _mm256_cmpgt_epi64(b, a); }
  static PT_FN reg le(reg a, reg b) { return flag::invert(_mm256_cmpgt_epi64(a, b)); }
};

}  // namespace PT_ISA
}  // namespace pt
