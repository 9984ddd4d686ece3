// Packs bf16 in pairs along K, each an element of 4 bytes, for the tiles of cpu_tiles_bf16.cpp: whole lines are read,
// and pairs made or turned in registers. Sources that are contiguous neither across K nor along it go through copy.h.
#pragma once
#include "ops/matmul/copy.h"
#include "ops/matmul/tile.h"
#include "simd/bf16.h"

namespace pt {
namespace PT_ISA {

inline constexpr int64_t kPairLanes = 16;

// A block of an operand, seen from K: `across` runs along its rows (of a left operand) or columns (of a right one).
struct PairBlock {
  const uint16_t* at;
  int64_t across, k, odd;  // element strides: of neighbours, of pairs, and from the first of a pair to the second
  int64_t numbers;         // along K: twice the depth, or one less

  bool contiguous_across() const { return across == 1; }
  bool contiguous_along() const { return odd == 1 && k == 2; }
};

// Of a right operand: dst[k][i] is pair k of column i, in whole vectors, zeros behind the last.
inline void pack_pairs_across(const PairBlock& b, int64_t cols, float* dst, int64_t dst_row) {
  for (int64_t k = 0; 2 * k < b.numbers; ++k, dst += dst_row) {
    const uint16_t* even = b.at + k * b.k;
    const bool whole = 2 * k + 1 < b.numbers;
    for (int64_t i = 0; i < cols; i += 2 * kPairLanes) {
      Bf16x32 low, high;
      interleave(load_some(even + i, cols - i), whole ? load_some(even + b.odd + i, cols - i) : Bf16x32::zero(), low,
                 high);
      low.store(dst + i);
      if (cols - i > kPairLanes) high.store(dst + i + kPairLanes);
    }
  }
}

// Pairs [0, 16) of 16 rows or columns, of which `across` are there, and `numbers` numbers along K.
PT_FN void turn_block(const uint16_t* src, int64_t across_stride, int64_t across, int64_t numbers,
                      Bf16x32 (&turned)[kPairLanes]) {
  Bf16x32 row[kPairLanes];
  if (across >= kPairLanes && numbers >= 2 * kPairLanes) {
#pragma GCC unroll 16
    for (int64_t i = 0; i < kPairLanes; ++i) {
      __builtin_prefetch(src + i * across_stride + 4 * kPairLanes);  // the block after the next
      row[i] = Bf16x32::load(src + i * across_stride);
    }
  } else {
    for (int64_t i = 0; i < kPairLanes; ++i)
      row[i] = i < across ? load_some(src + i * across_stride, numbers) : Bf16x32::zero();
  }
  turn_pairs(row, turned);
}

inline void pack_pairs_along(const PairBlock& b, int64_t cols, float* dst, int64_t dst_row) {
  for (int64_t i = 0; i < cols; i += kPairLanes) {
    float* to = dst + i;
    for (int64_t k = 0; 2 * k < b.numbers; k += kPairLanes) {
      Bf16x32 turned[kPairLanes];
      turn_block(b.at + i * b.across + 2 * k, b.across, cols - i, b.numbers - 2 * k, turned);
      const int64_t left = (b.numbers + 1) / 2 - k;
      for (int64_t step = 0; step < kPairLanes && step < left; ++step, to += dst_row) turned[step].store(to);
    }
  }
}

// Where the steps of one strip go. What a whole vector holds behind the strip's rows, the next steps overwrite.
struct PairStrip {
  float* at;
  int64_t rows, depth;

  void put(int64_t k, Bf16x32 pairs) const {
    float* to = at + k * rows;
    k* rows + kPairLanes <= depth* rows ? pairs.store(to) : pairs.store_first_pairs(to, rows);
  }
};

inline constexpr int64_t kPairSteps = 16;  // of K at once: their lines stay in the first cache for all strips

// Of a left operand: steps [k, k + kPairSteps) of a strip.
inline void pack_strip_across(const PairBlock& b, int64_t row, int64_t rows_left, int64_t k, const PairStrip& strip) {
  for (int64_t end = k + kPairSteps; k < end && k < strip.depth; ++k) {
    const uint16_t* even = b.at + row + k * b.k;
    __builtin_prefetch(even + kPairSteps * b.k);  // which may lie in another page, where no prefetcher looks
    __builtin_prefetch(even + kPairSteps * b.k + b.odd);
    const bool whole = 2 * k + 1 < b.numbers;
    if (rows_left >= kPairLanes && whole) {
      strip.put(k, interleave_16(Bf16x32::load_16(even), Bf16x32::load_16(even + b.odd)));
    } else {
      strip.put(
          k, interleave_16(load_some(even, strip.rows), whole ? load_some(even + b.odd, strip.rows) : Bf16x32::zero()));
    }
  }
}

inline void pack_strip_along(const PairBlock& b, int64_t row, int64_t rows_left, int64_t k, const PairStrip& strip) {
  Bf16x32 turned[kPairLanes];
  turn_block(b.at + row * b.across + 2 * k, b.across, rows_left < kPairLanes ? strip.rows : rows_left,
             b.numbers - 2 * k, turned);
  for (int64_t step = 0; step < kPairSteps && k + step < strip.depth; ++step) strip.put(k + step, turned[step]);
}

inline PairBlock pair_block(const Source& s, int64_t across, int64_t k, int64_t depth) {
  return {reinterpret_cast<const uint16_t*>(s.at), across, k, s.odd, 2 * depth - (s.half_pair ? 1 : 0)};
}

// Strips as multiply_pairs_panel reads them; false where the source is contiguous in no way.
inline bool pack_pair_strips(const Source& s, const Strips& strips, int64_t depth, float* packed) {
  const PairBlock b = pair_block(s, s.row, s.col, depth);
  if (!b.contiguous_across() && !b.contiguous_along()) return false;
  const int64_t rows = strips.all_rows();
  for (int64_t k = 0; k < depth; k += kPairSteps) {
    for (int64_t i = 0, row = 0; i < strips.count; row += strips.rows_of(i++)) {
      const PairStrip strip = {packed + row * depth, strips.rows_of(i), depth};
      b.contiguous_along() ? pack_strip_along(b, row, rows - row, k, strip)
                           : pack_strip_across(b, row, rows - row, k, strip);
    }
  }
  return true;
}

// A panel of `cols` columns; false as above.
inline bool pack_pair_panel(const Source& s, int64_t depth, int64_t cols, float* packed, int64_t packed_row) {
  const PairBlock b = pair_block(s, s.col, s.row, depth);
  if (!b.contiguous_across() && !b.contiguous_along()) return false;
  b.contiguous_along() ? pack_pairs_along(b, cols, packed, packed_row) : pack_pairs_across(b, cols, packed, packed_row);
  return true;
}

}  // namespace PT_ISA
}  // namespace pt
