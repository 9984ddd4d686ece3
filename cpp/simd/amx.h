// Intel's tile registers (AMX): eight tiles of 16 rows of 64 bytes, and an instruction that multiplies tiles of bf16
// and adds to a tile of f32. Also the moves that bring bf16 into the two layouts of a tile: *rows* (of a left operand:
// 16 rows of 32 numbers along K) and *pairs* (of a right one: 16 pairs along K of 16 columns).
// Written as assembly, since gcc's intrinsics of loads do not say that they read memory.
#pragma once
#include <stdint.h>

#include "simd/native.h"

namespace pt {
namespace PT_ISA {

inline constexpr int64_t kTileSide = 16;  // rows of any tile; columns of f32 or pairs of bf16
inline constexpr int64_t kTileStep = 32;  // numbers along K in a tile of bf16
inline constexpr int64_t kTileBytes = 1024;

#if defined(PT_ISA_avx512) && !defined(PT_EMULATE_AVX512)

inline constexpr bool kHasAmx = true;

// From here to the destructor this thread's tiles can be used, all of full size. Idle tiles are given back, since the
// system would save them at each switch of threads.
struct TileScope {
  TileScope() {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } config;
    asm volatile("ldtilecfg %0" ::"m"(config));
  }
  ~TileScope() { asm volatile("tilerelease" ::); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

template <int Tile>
PT_FN void tile_zero() {
  asm volatile("tilezero %%tmm%c0" ::"i"(Tile));
}
template <int Tile>
PT_FN void tile_load(const char* p, int64_t row_bytes) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(row_bytes), "i"(Tile) : "memory");
}
template <int Tile>
PT_FN void tile_store(char* p, int64_t row_bytes) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(row_bytes), "i"(Tile) : "memory");
}
// Sum += Left Right.
template <int Sum, int Left, int Right>
PT_FN void tile_multiply() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sum), "i"(Left), "i"(Right));
}

// 32 numbers of bf16, or 16 pairs of them.
struct Bf16x32 {
  __m512i v;
  static Bf16x32 load(const uint16_t* p) { return {_mm512_loadu_si512(p)}; }
  static Bf16x32 load_first(const uint16_t* p, int64_t n) {
    return {_mm512_maskz_loadu_epi16(static_cast<__mmask32>((uint64_t{1} << n) - 1), p)};
  }
  static Bf16x32 zero() { return {_mm512_setzero_si512()}; }
  void store(char* p) const { _mm512_storeu_si512(p, v); }
};

// The pairs (even[i], odd[i]) for i < 16, and for the other 16.
PT_FN void interleave(Bf16x32 even, Bf16x32 odd, Bf16x32& low, Bf16x32& high) {
  const __m512i order = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
                upper = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  const __m512i a = _mm512_unpacklo_epi16(even.v, odd.v), b = _mm512_unpackhi_epi16(even.v, odd.v);
  low = {_mm512_permutex2var_epi64(a, order, b)};
  high = {_mm512_permutex2var_epi64(a, upper, b)};
}

// Turns a tile of rows into one of pairs and the other way round: pair j of row[i] becomes pair i of row j of dst.
PT_FN void transpose_pairs(const Bf16x32 (&row)[16], char* dst) {
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
    _mm512_storeu_si512(dst + 64 * j, _mm512_shuffle_i32x4(a, c, 0x88));
    _mm512_storeu_si512(dst + 64 * (4 + j), _mm512_shuffle_i32x4(b, d, 0x88));
    _mm512_storeu_si512(dst + 64 * (8 + j), _mm512_shuffle_i32x4(a, c, 0xdd));
    _mm512_storeu_si512(dst + 64 * (12 + j), _mm512_shuffle_i32x4(b, d, 0xdd));
  }
}

// 16 numbers rounded to bf16, but kept wide, past the caches: `to` is a whole line. A fence must follow before others
// may read them.
PT_FN void stream_rounded(const float* from, float* to) {
  const __m512i bits = _mm512_loadu_si512(from), magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i number = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet_nan = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
  const __mmask16 is_nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7f800000));
  const __m512i rounded = _mm512_mask_blend_epi32(is_nan, number, quiet_nan);
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_and_si512(rounded, _mm512_set1_epi32(int(0xffff0000))));
}
PT_FN void stream_fence() { _mm_sfence(); }

#else  // never called

inline constexpr bool kHasAmx = false;

struct TileScope {};
template <int Tile>
inline void tile_zero() {}
template <int Tile>
inline void tile_load(const char*, int64_t) {}
template <int Tile>
inline void tile_store(char*, int64_t) {}
template <int Sum, int Left, int Right>
inline void tile_multiply() {}

struct Bf16x32 {
  static Bf16x32 load(const uint16_t*) { return {}; }
  static Bf16x32 load_first(const uint16_t*, int64_t) { return {}; }
  static Bf16x32 zero() { return {}; }
  void store(char*) const {}
};
inline void interleave(Bf16x32, Bf16x32, Bf16x32&, Bf16x32&) {}
inline void transpose_pairs(const Bf16x32 (&)[16], char*) {}
inline void stream_rounded(const float*, float*) {}
inline void stream_fence() {}

#endif

}  // namespace PT_ISA
}  // namespace pt
