// Stores past the caches, for large results that are read much later: half the traffic, since no line is read before it
// is written. A fence must follow before others may read them. Where kStreams; each writes one whole line of 64 bytes.
#pragma once
#include <stdint.h>

#include "simd/native.h"

namespace pt {
namespace PT_ISA {

inline constexpr int64_t kStreamLine = 64;
inline bool whole_lines(const void* at, int64_t bytes) {
  return reinterpret_cast<uintptr_t>(at) % kStreamLine == 0 && bytes % kStreamLine == 0;
}

#if defined(PT_ISA_avx512) && !defined(PT_EMULATE_AVX512)

inline constexpr bool kStreams = true;

// The bits of 16 numbers rounded to bf16, in the upper halves.
PT_FN __m512i round_to_upper(const float* from) {
  const __m512i bits = _mm512_loadu_si512(from), magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i number = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet_nan = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
  const __mmask16 is_nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7f800000));
  return _mm512_mask_blend_epi32(is_nan, number, quiet_nan);
}
PT_FN __m512 rounded_wide(const float* from) {
  return _mm512_castsi512_ps(_mm512_and_si512(round_to_upper(from), _mm512_set1_epi32(int(0xffff0000))));
}

// Returns which of them are infinite or not a number.
PT_FN uint32_t stream_16(__m512 values, float* to) {
  constexpr int kNonFinite = 0x99;  // either kind of NaN, either infinity
  _mm512_stream_ps(to, values);
  return _mm512_fpclass_ps_mask(values, kNonFinite);
}
// 16 numbers rounded to bf16, but kept wide; the same, and 16 others added; 32 numbers rounded to bf16; zeros. The
// first two return what stream_16 does.
PT_FN uint32_t stream_rounded(const float* from, float* to) { return stream_16(rounded_wide(from), to); }
PT_FN uint32_t stream_rounded_sum(const float* from, const float* added, float* to) {
  return stream_16(_mm512_add_ps(rounded_wide(from), _mm512_loadu_ps(added)), to);
}
PT_FN void stream_bf16(const float* from, uint16_t* to) {
  alignas(64) static constexpr uint16_t kUpper[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31,
                                                      33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
  const __m512i halves =
      _mm512_permutex2var_epi16(round_to_upper(from), _mm512_load_si512(kUpper), round_to_upper(from + 16));
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), halves);
}
PT_FN void stream_zero(char* to) { _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_setzero_si512()); }
PT_FN void stream_fence() { _mm_sfence(); }

#else  // never called

inline constexpr bool kStreams = false;

inline uint32_t stream_rounded(const float*, float*) { return 0; }
inline uint32_t stream_rounded_sum(const float*, const float*, float*) { return 0; }
inline void stream_bf16(const float*, uint16_t*) {}
inline void stream_zero(char*) {}
inline void stream_fence() {}

#endif

}  // namespace PT_ISA
}  // namespace pt
