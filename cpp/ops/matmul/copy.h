// Copies between the layouts of a product: packing (and widening) blocks of an operand, and storing (and rounding)
// finished sums. Every copy is exact except the one rounding of a store to f16 or bf16.
#pragma once
#include "core/dtype.h"
#include "ops/matmul/half.h"
#include "simd/gemm_vec.h"

namespace pt {
namespace PT_ISA {

// dst[j * dst_row + i] = src[i * src_row + j] for i < rows, j < cols.
template <class T>
inline void copy_transposed(const T* src, int64_t src_row, int64_t rows, int64_t cols, T* dst, int64_t dst_row) {
  constexpr int S = kSquare<T>;
  int64_t i = 0;
  for (; i + S <= rows; i += S) {
    int64_t j = 0;
    for (; j + S <= cols; j += S) transpose_square(src + i * src_row + j, src_row, dst + j * dst_row + i, dst_row);
    for (; j < cols; ++j)
      for (int r = 0; r < S; ++r) dst[j * dst_row + i + r] = src[(i + r) * src_row + j];
  }
  for (; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) dst[j * dst_row + i] = src[i * src_row + j];
}

template <class T>
inline void copy_row(const T* src, int64_t n, T* dst) {
  constexpr int kLanes = Register<T>::kLanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) Register<T>::load(src + i).store(dst + i);
  if (i < n) Register<T>::load_first(src + i, static_cast<int>(n - i)).store_first(dst + i, static_cast<int>(n - i));
}

inline constexpr int64_t kNoPairs = INT64_MIN;

// A block of a matrix in memory, of any dtype and strides.
struct Source {
  const char* at;
  DType type;
  int64_t row, col;  // element strides
  // Of bf16, an element may be a pair: the number at its place, and the next one along K, so far behind it.
  int64_t odd = kNoPairs;
  bool k_in_rows = false;  // of pairs: K is the axis of columns
  bool half_pair = false;  // of pairs: the last along K has no second number, which counts as 0

  bool pairs() const { return odd != kNoPairs; }
};

template <class T>
inline constexpr DType kTypeOf = sizeof(T) == 4 ? DType::F32 : DType::F64;

// In memory, of a type that is T or one of 16 bits.
template <class T>
inline int64_t element_size(DType type) {
  return is_half(type) ? 2 : static_cast<int64_t>(sizeof(T));
}

// A row of pairs; half: it has the last one along K, or is made of them.
inline void load_pairs(const Source& s, const uint16_t* src, int64_t n, bool half, float* dst) {
  const bool neighbours = s.k_in_rows && s.odd == 1;
  const int64_t whole = half ? (s.k_in_rows ? n - 1 : 0) : n;
  if (neighbours) {
    __builtin_memcpy(dst, src, whole * 2 * sizeof(*src));
  } else {
    pair_row(src, src + s.odd, s.col, whole, dst);
  }
  for (int64_t j = whole; j < n; ++j) dst[j] = pair_of(src[j * s.col], 0);
}

template <class T>
inline void load_half_block(const Source& s, int64_t rows, int64_t cols, T* dst, int64_t dst_row) {
  for (int64_t i = 0; i < rows; ++i) {
    const uint16_t* src = reinterpret_cast<const uint16_t*>(s.at) + i * s.row;
    float* to = reinterpret_cast<float*>(dst + i * dst_row);
    if (s.pairs()) {
      load_pairs(s, src, cols, s.half_pair && (s.k_in_rows || i == rows - 1), to);
      continue;
    }
    s.type == DType::BF16 ? widen_row<BFloat16>(src, s.col, cols, to) : widen_row<Float16>(src, s.col, cols, to);
  }
}

// dst[i * dst_row + j] = s[i, j]. `spare` holds rows * cols elements; only a transposed f16 or bf16 block uses it.
template <class T>
inline void load_block(const Source& s, int64_t rows, int64_t cols, T* dst, int64_t dst_row, T* spare) {
  const T* src = reinterpret_cast<const T*>(s.at);
  if (is_half(s.type)) {
    if (s.col != 1 && (s.pairs() ? s.odd == 1 && !s.k_in_rows : s.row == 1) && spare) {
      load_half_block({s.at, s.type, s.col, s.row, s.odd, true, s.half_pair}, cols, rows, spare, rows);
      copy_transposed(spare, rows, cols, rows, dst, dst_row);
    } else {
      load_half_block(s, rows, cols, dst, dst_row);
    }
  } else if (s.col == 1) {
    for (int64_t i = 0; i < rows; ++i) copy_row(src + i * s.row, cols, dst + i * dst_row);
  } else if (s.row == 1) {
    copy_transposed(src, s.col, cols, rows, dst, dst_row);
  } else {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < cols; ++j) dst[i * dst_row + j] = src[i * s.row + j * s.col];
  }
}

// Packs [depth, cols], contiguous along cols, into panels of `width` columns: row k of panel p is at
// packed + (p * depth + k) * width, but the last panel is as wide as its whole vectors, its tail zero. Of rows that
// come next, `fetched` columns are fetched.
template <class T>
inline void pack_rows(const T* src, int64_t src_row, int64_t depth, int64_t cols, int64_t width, T* packed,
                      int64_t fetched) {
  using R = Register<T>;
  constexpr int64_t kAhead = 8;  // rows: neighbours are in other pages, where no prefetcher looks
  constexpr int64_t kLine = 64 / sizeof(T);
  const int64_t last = (cols - 1) / width * width;
  const int64_t last_width = whole_vectors<T>(cols - last);
  for (int64_t k = 0; k < depth; ++k, src += src_row) {
    for (int64_t j = 0; j < fetched; j += kLine) __builtin_prefetch(src + kAhead * src_row + j);
    T* to = packed + k * width;
    for (int64_t col = 0; col < last; col += width, to += depth * width)
      for (int64_t j = 0; j < width; j += R::kLanes) R::load(src + col + j).store(to + j);
    to = packed + last * depth + k * last_width;
    for (int64_t j = last; j < cols; j += R::kLanes, to += R::kLanes) {
      const bool whole = j + R::kLanes <= cols;
      (whole ? R::load(src + j) : R::load_first(src + j, static_cast<int>(cols - j))).store(to);
    }
  }
}

// The same for rows of f16, bf16 or pairs, of at most Most columns: widened a row at a time.
template <class T, int64_t Most>
inline void pack_half_rows(Source s, int64_t depth, int64_t cols, int64_t width, T* packed) {
  constexpr int kLanes = Register<T>::kLanes;
  constexpr int64_t kAhead = 8;
  alignas(64) T row[Most + kLanes] = {};  // zeros behind the columns
  const int64_t all = whole_vectors<T>(cols), bytes = 2 * s.row;
  for (int64_t k = 0; k < depth; ++k, s.at += bytes) {
    for (int64_t j = 0; j < 2 * cols; j += 64) {
      __builtin_prefetch(s.at + kAhead * bytes + j);
      if (s.pairs()) __builtin_prefetch(s.at + kAhead * bytes + 2 * s.odd + j);
    }
    load_half_block({s.at, s.type, s.row, 1, s.odd, false, s.half_pair && k == depth - 1}, 1, cols, row, Most);
    for (int64_t col = 0; col < all; col += width) {
      const int64_t n = col + width < all ? width : all - col;
      T* to = packed + col * depth + k * n;
      for (int64_t j = 0; j < n; j += kLanes) Register<T>::load(row + col + j).store(to + j);
    }
  }
}

// The place of a finished block, of any dtype and strides.
struct Target {
  char* at;
  DType type;
  int64_t row, col;
};

// dst[j * dst_row + i] = src[i * src_row + j], rounded.
template <class Half>
inline void round_transposed(const float* src, int64_t src_row, int64_t rows, int64_t cols, uint16_t* dst,
                             int64_t dst_row) {
  constexpr int S = kSquare<float>;
  const int64_t whole_rows = rows / S * S, whole_cols = cols / S * S;
  for (int64_t i = 0; i < whole_rows; i += S) {
    for (int64_t j = 0; j < whole_cols; j += S) {
      alignas(64) float square[S * S];
      transpose_square(src + i * src_row + j, src_row, square, S);
      for (int r = 0; r < S; ++r)
        for (int k = 0; k < S; ++k) dst[(j + r) * dst_row + i + k] = Half::round(square[r * S + k]);
    }
    for (int r = 0; r < S; ++r)
      round_row<Half>(src + (i + r) * src_row + whole_cols, cols - whole_cols, dst + whole_cols * dst_row + i + r,
                      dst_row);
  }
  for (int64_t i = whole_rows; i < rows; ++i) round_row<Half>(src + i * src_row, cols, dst + i, dst_row);
}

template <class Half>
inline void round_block(const float* src, int64_t src_row, int64_t rows, int64_t cols, const Target& t) {
  uint16_t* dst = reinterpret_cast<uint16_t*>(t.at);
  if (t.row == 1) return round_transposed<Half>(src, src_row, rows, cols, dst, t.col);
  for (int64_t i = 0; i < rows; ++i) round_row<Half>(src + i * src_row, cols, dst + i * t.row, t.col);
}

template <class T>
inline void store_block(const T* src, int64_t src_row, int64_t rows, int64_t cols, const Target& t) {
  T* dst = reinterpret_cast<T*>(t.at);
  if (is_half(t.type)) {
    const float* from = reinterpret_cast<const float*>(src);  // halves are summed in f32
    t.type == DType::BF16 ? round_block<BFloat16>(from, src_row, rows, cols, t)
                          : round_block<Float16>(from, src_row, rows, cols, t);
  } else if (t.col == 1) {
    for (int64_t i = 0; i < rows; ++i) copy_row(src + i * src_row, cols, dst + i * t.row);
  } else if (t.row == 1) {
    copy_transposed(src, src_row, rows, cols, dst, t.col);
  } else {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < cols; ++j) dst[i * t.row + j * t.col] = src[i * src_row + j];
  }
}

template <class T>
inline void fill_zero(T* dst, int64_t dst_row, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) dst[i * dst_row + j] = 0;
}

// dst += src.
template <class T>
inline void add_block(const T* src, int64_t src_row, int64_t rows, int64_t cols, T* dst, int64_t dst_row) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) dst[i * dst_row + j] += src[i * src_row + j];
}

}  // namespace PT_ISA
}  // namespace pt
