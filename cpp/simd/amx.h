// Intel's tile registers (AMX): eight tiles of 16 rows of 64 bytes, and an instruction that multiplies tiles of bf16
// and adds to a tile of f32. A tile of bf16 has one of two layouts: *rows* (of a left operand: 16 rows of 32 numbers
// along K) or *pairs* (of a right one: 16 pairs along K of 16 columns), which the moves of simd/bf16.h make.
// Written as assembly, since gcc's intrinsics of loads do not say that they read memory.
#pragma once
#include <stdint.h>

#include "simd/bf16.h"

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

#endif

}  // namespace PT_ISA
}  // namespace pt
