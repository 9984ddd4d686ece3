// Packs blocks of bf16 for the tile registers (simd/amx.h), with zeros behind the last row, column and step. A *strip*
// is 32 rows of the left operand or 32 columns of the right one: two tiles for each step of K, one behind the other.
#pragma once
#include "ops/matmul/copy.h"
#include "simd/amx.h"

namespace pt {
namespace PT_ISA {

inline constexpr int64_t kStripSide = 2 * kTileSide;
inline constexpr int64_t kStripStepBytes = 2 * kTileBytes;

// Of an operand seen from the side of a strip: `across` runs along the strip's rows or columns.
struct AmxSource {
  const char* at;
  int64_t across, k;  // element strides
};

enum class TileForm { Rows, Pairs };

// Turns a tile of rows into one of pairs and the other way round.
PT_FN void transpose_pairs(const Bf16x32 (&row)[16], char* dst) {
  Bf16x32 turned[16];
  turn_pairs(row, turned);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) turned[i].store(dst + 64 * i);
}

// One step of a strip whose source is contiguous across it.
template <TileForm Form>
PT_FN void pack_across(const uint16_t* src, int64_t src_k, int64_t across, int64_t steps_left, char* dst) {
  Bf16x32 low[16], high[16];
#pragma GCC unroll 16
  for (int64_t i = 0; i < 16; ++i) {
    const uint16_t* even = src + 2 * i * src_k;
    __builtin_prefetch(even + kTileStep * src_k);  // the next step: its rows may be in other pages
    __builtin_prefetch(even + (kTileStep + 1) * src_k);
    interleave(load_some(even, 2 * i < steps_left ? across : 0),
               load_some(even + src_k, 2 * i + 1 < steps_left ? across : 0), low[i], high[i]);
    if (Form == TileForm::Pairs) {
      low[i].store(dst + 64 * i);
      high[i].store(dst + kTileBytes + 64 * i);
    }
  }
  if (Form == TileForm::Rows) {
    transpose_pairs(low, dst);
    if (across > kTileSide) transpose_pairs(high, dst + kTileBytes);
  }
}

// One step of a strip whose source is contiguous along K.
template <TileForm Form>
PT_FN void pack_along(const uint16_t* src, int64_t src_across, int64_t across, int64_t steps_left, char* dst) {
  for (int64_t half = 0; half < across; half += kTileSide, src += kTileSide * src_across, dst += kTileBytes) {
    Bf16x32 row[16];
#pragma GCC unroll 16
    for (int64_t i = 0; i < 16; ++i) {
      const uint16_t* p = src + i * src_across;
      __builtin_prefetch(p + kStripSide * src_across);  // the next strip
      row[i] = load_some(p, half + i < across ? steps_left : 0);
      if (Form == TileForm::Rows) row[i].store(dst + 64 * i);
    }
    if (Form == TileForm::Pairs) transpose_pairs(row, dst);
  }
}

template <TileForm Form>
inline void pack_scattered_step(const uint16_t* src, const AmxSource& s, int64_t across, int64_t steps_left,
                                char* dst) {
  alignas(64) uint16_t turned[kStripSide * kTileStep] = {};
  const int64_t steps = steps_left < kTileStep ? steps_left : kTileStep;
  for (int64_t i = 0; i < across; ++i)
    for (int64_t k = 0; k < steps; ++k) turned[i * kTileStep + k] = src[i * s.across + k * s.k];
  pack_along<Form>(turned, kTileStep, across, kTileStep, dst);
}

// Packs `across` rows or columns and `depth` numbers along K; the strips lie strip_bytes apart. Several strips advance
// along K together where that makes long runs of the source.
template <TileForm Form>
inline void pack_amx(const AmxSource& s, int64_t across, int64_t depth, char* dst, int64_t strip_bytes) {
  constexpr int64_t kTogether = 8 * kStripSide;
  const uint16_t* src = reinterpret_cast<const uint16_t*>(s.at);
  const bool in_rows = s.across == 1 && !(s.k == 1 && across == 1);
  const int64_t together = in_rows ? kTogether : kStripSide;
  for (int64_t begin = 0; begin < across; begin += together) {
    const int64_t end = begin + together < across ? begin + together : across;
    for (int64_t k = 0; k < depth; k += kTileStep) {
      for (int64_t i = begin; i < end; i += kStripSide) {
        char* to = dst + i / kStripSide * strip_bytes + k / kTileStep * kStripStepBytes;
        const uint16_t* from = src + i * s.across + k * s.k;
        const int64_t n = end - i < kStripSide ? end - i : kStripSide;
        if (in_rows) {
          pack_across<Form>(from, s.k, n, depth - k, to);
        } else if (s.k == 1) {
          pack_along<Form>(from, s.across, n, depth - k, to);
        } else {
          pack_scattered_step<Form>(from, s, n, depth - k, to);
        }
      }
    }
  }
}

}  // namespace PT_ISA
}  // namespace pt
