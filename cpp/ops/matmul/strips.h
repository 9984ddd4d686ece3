// Packs blocks of the left operand into strips, as multiply_strips_panel reads them: strip by strip, each
// [depth][rows].
#pragma once
#include "ops/matmul/copy.h"
#include "ops/matmul/desc.h"
#include "ops/matmul/pack_pairs.h"
#include "ops/matmul/tile.h"

namespace pt {
namespace PT_ISA {

// Steps [k, k + S) of a strip of N rows that are contiguous along K. What a square of less than S rows writes too much,
// the next steps overwrite, which is why the last rows come first.
template <class T, int N, int Row = (N - 1) / kSquare<T>* kSquare<T>>
PT_FN void pack_squares(const T* src, int64_t src_row, T* packed) {
  constexpr int S = kSquare<T>;
  transpose_square<(N - Row < S ? N - Row : S)>(src + Row * src_row, src_row, packed + Row, N);
  if constexpr (Row > 0) pack_squares<T, N, Row - S>(src, src_row, packed);
}

template <class T, int N>
void pack_strip(const T* src, int64_t src_row, int64_t depth, T* packed) {
  constexpr int S = kSquare<T>;
  int64_t k = 0;
  for (; k + S < depth - S; k += S) pack_squares<T, N>(src + k, src_row, packed + k * N);
  for (; k + S <= depth; k += S) {  // nothing behind the end of the strip
    alignas(64) T last[S * N + S];
    pack_squares<T, N>(src + k, src_row, last);
    __builtin_memcpy(packed + k * N, last, S * N * sizeof(T));
  }
  for (; k < depth; ++k)
    for (int i = 0; i < N; ++i) packed[k * N + i] = src[i * src_row + k];
}

template <class T>
using PackStripFn = void (*)(const T*, int64_t, int64_t, T*);

template <class T, int N = kTileRows>
inline PackStripFn<T> find_pack_strip(int64_t rows) {
  if constexpr (N > 1) {
    if (rows < N) return find_pack_strip<T, N - 1>(rows);
  }
  return pack_strip<T, N>;
}

// Steps [k, k + steps) of a block of `depth`, whose rows are contiguous, at most kStepsAtOnce at once: so many lines of
// the source stay in the first cache even when they are far apart. N: rows of the shorter strips.
inline constexpr int64_t kStepsAtOnce = 8;

template <class T, int N>
PT_FN void pack_steps_of_strip(const T* src, int64_t src_k, int64_t steps, T* packed) {
  for (int64_t k = 0; k < steps; ++k) __builtin_memcpy(packed + k * N, src + k * src_k, N * sizeof(T));
}

template <class T, int N>
void pack_steps(const T* src, int64_t src_k, int64_t k, int64_t steps, const Strips& strips, int64_t depth, T* packed) {
  int64_t s = 0;
  for (; s < strips.longer; ++s, src += N + 1, packed += (N + 1) * depth)
    pack_steps_of_strip<T, N + 1>(src, src_k, steps, packed + k * (N + 1));
  for (; s < strips.count; ++s, src += N, packed += N * depth)
    pack_steps_of_strip<T, N>(src, src_k, steps, packed + k * N);
}

template <class T>
using PackStepsFn = void (*)(const T*, int64_t, int64_t, int64_t, const Strips&, int64_t, T*);

template <class T, int N = kTileRows>
inline PackStepsFn<T> find_pack_steps(int64_t rows) {
  if constexpr (N > 1) {
    if (rows < N) return find_pack_steps<T, N - 1>(rows);
  }
  return pack_steps<T, N>;
}

inline float load_half(const uint16_t* p, DType type) {
  return type == DType::BF16 ? BFloat16::widen(*p) : Float16::widen(*p);
}

// Blocks of any strides: element by element.
template <class T>
inline void pack_scattered(const Source& s, const Strips& strips, int64_t depth, T* packed) {
  int64_t row = 0;
  for (int64_t strip = 0; strip < strips.count; ++strip) {
    const int64_t n = strips.rows_of(strip);
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = (row + i) * s.row + k * s.col;
        *packed++ = is_half(s.type) ? static_cast<T>(load_half(reinterpret_cast<const uint16_t*>(s.at) + at, s.type))
                                    : reinterpret_cast<const T*>(s.at)[at];
      }
    }
    row += n;
  }
}

// Packs blocks of such strips.
template <class T>
struct StripPacker {
  Strips strips;
  PackStripFn<T> strip_of[2];
  PackStepsFn<T> steps_of;

  explicit StripPacker(const Strips& strips)
      : strips(strips),
        strip_of{find_pack_strip<T>(strips.rows), find_pack_strip<T>(strips.rows_of(0))},
        steps_of(find_pack_steps<T>(strips.rows)) {}

  // src: the strip's rows, contiguous along K.
  void pack(int64_t strip, const T* src, int64_t src_row, int64_t depth, T* packed) const {
    strip_of[strip < strips.longer](src, src_row, depth, packed);
  }
  // src: steps [k, k + steps) of all rows, each step contiguous; packed: the whole block.
  void pack_steps(const T* src, int64_t src_k, int64_t k, int64_t steps, int64_t depth, T* packed) const {
    steps_of(src, src_k, k, steps, strips, depth, packed);
  }
};

// s.row: distance of rows, s.col: of steps of K; at most kMostRegionRows rows, depth at most kBlockDepth.
template <class T>
inline void pack_strips(const Source& s, const Strips& strips, int64_t depth, T* packed) {
  if constexpr (kHasPairs && sizeof(T) == sizeof(float)) {
    if (s.pairs() && pack_pair_strips(s, strips, depth, packed)) return;
  }
  const StripPacker<T> packer(strips);
  const int64_t size = element_size<T>(s.type);
  if (s.row == 1) {
    const int64_t rows = strips.all_rows();
    alignas(64) T wide[kStepsAtOnce * kMostRegionRows];
    for (int64_t k = 0; k < depth; k += kStepsAtOnce) {
      const char* at = s.at + k * s.col * size;
      const int64_t steps = k + kStepsAtOnce < depth ? kStepsAtOnce : depth - k;
      if (is_half(s.type)) {
        const bool half_pair = s.half_pair && k + steps == depth;
        load_half_block(Source{at, s.type, s.col, 1, s.odd, false, half_pair}, steps, rows, wide, rows);
        packer.pack_steps(wide, rows, k, steps, depth, packed);
      } else {
        packer.pack_steps(reinterpret_cast<const T*>(at), s.col, k, steps, depth, packed);
      }
    }
  } else if (s.col == 1 || s.pairs()) {
    alignas(64) T wide[kTileRows * kBlockDepth];
    for (int64_t strip = 0, row = 0; strip < strips.count; row += strips.rows_of(strip++)) {
      const char* at = s.at + row * s.row * size;
      if (is_half(s.type)) {
        load_half_block(Source{at, s.type, s.row, s.col, s.odd, true, s.half_pair}, strips.rows_of(strip), depth, wide,
                        depth);
        packer.pack(strip, wide, depth, depth, packed + row * depth);
      } else {
        packer.pack(strip, reinterpret_cast<const T*>(at), s.row, depth, packed + row * depth);
      }
    }
  } else {
    pack_scattered(s, strips, depth, packed);
  }
}

}  // namespace PT_ISA
}  // namespace pt
