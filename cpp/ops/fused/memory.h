// Loads and stores of the fused machine: between an operand of any dtype and strides, and a block of one class.
#pragma once
#include "ops/fused/desc.h"
#include "ops/fused/element.h"
#include "simd/turn.h"

namespace pt {
namespace PT_ISA {

template <class T>
PT_FN void fill_lanes(T* dst, T value, int64_t n) {
  for (int64_t i = 0; i < n; ++i) dst[i] = value;
}

// Row i of a block becomes `cols` times src[i * step]. Whole lines are written, into the next row too, which comes
// after: a block has a line of room behind it.
template <class T>
PT_FN void spread_rows(T* dst, const T* src, int64_t step, int64_t rows, int64_t cols) {
  if constexpr (sizeof(T) == 1) {
    for (int64_t i = 0; i < rows; ++i) fill_lanes(dst + i * cols, src[i * step], cols);
  } else {
    constexpr int kLine = 64 / int(sizeof(T));
    for (int64_t i = 0; i < rows; ++i, dst += cols, src += step) {
      const vec<T, kLine> line(*src);
      for (int64_t j = 0; j < cols; j += kLine) store(dst + j, line);
    }
  }
}

// The two ends of a run of N to 2 N bytes: they may meet or overlap.
template <int64_t N>
PT_FN void copy_ends(char* to, const char* from, int64_t bytes) {
  char first[N], last[N];
  __builtin_memcpy(first, from, N);
  __builtin_memcpy(last, from + bytes - N, N);
  __builtin_memcpy(to, first, N);
  __builtin_memcpy(to + bytes - N, last, N);
}

// Rows of a tile are short: a call of memcpy would cost as much as the copy.
template <class T>
PT_FN void copy_run(T* dst, const T* src, int64_t n) {
  constexpr int64_t kBytes = 64, kShort = 4096;
  const int64_t bytes = n * int64_t(sizeof(T));
  if (bytes > kShort) {
    __builtin_memcpy(dst, src, bytes);
    return;
  }
  auto* to = reinterpret_cast<char*>(dst);
  auto* from = reinterpret_cast<const char*>(src);
  if (bytes >= kBytes) {
    int64_t i = 0;
    for (; i + kBytes <= bytes; i += kBytes) __builtin_memcpy(to + i, from + i, kBytes);
    if (i < bytes) __builtin_memcpy(to + bytes - kBytes, from + bytes - kBytes, kBytes);
  } else if (bytes >= 32) {
    copy_ends<32>(to, from, bytes);
  } else if (bytes >= 16) {
    copy_ends<16>(to, from, bytes);
  } else if (bytes >= 8) {
    copy_ends<8>(to, from, bytes);
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i] = src[i];
  }
}

// n neighbours in memory. The last vector of a long run begins where 16 are left: some of it is done twice.
template <class S>
PT_FN void load_run(typename S::value* dst, const typename S::memory* src, int64_t n) {
  if constexpr (is_plain<S>) {
    copy_run(dst, src, n);
  } else if constexpr (is_half<S>) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) store(dst + i, load_half(src + i));
    if (i < n && n >= 16) {
      store(dst + n - 16, load_half(src + n - 16));
    } else if (i < n) {
      typename S::memory tail[16] = {};
      for (int64_t k = i; k < n; ++k) tail[k - i] = src[k];
      store_n(dst + i, load_half(tail), n - i);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i] = S::get(src[i]);
  }
}
template <class S>
PT_FN void store_run(typename S::memory* dst, const typename S::value* src, int64_t n) {
  if constexpr (is_plain<S>) {
    copy_run(dst, src, n);
  } else if constexpr (is_half<S>) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) store_half(dst + i, vec<float, 16>::load(src + i));
    if (i < n && n >= 16) {
      store_half(dst + n - 16, vec<float, 16>::load(src + n - 16));
    } else if (i < n) {
      typename S::memory tail[16];
      store_half(tail, vec<float, 16>::load_n(src + i, n - i));
      for (int64_t k = i; k < n; ++k) dst[k] = tail[k - i];
    }
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i] = S::put(src[i]);
  }
}

// A rectangle of an operand, to or from a block whose rows follow each other without a gap.
struct Rect {
  int64_t rows, cols, row_stride, col_stride;
};

// Brings the `below` rows under a tile to the caches, where rows are short pieces of an operand far apart: the
// processor foresees only lines that follow each other.
template <int Write>
PT_FN void fetch_below(const char* at, Rect r, int64_t below, int64_t element_bytes) {
  constexpr int64_t kLine = 64;
  if (r.col_stride != 1 || r.row_stride <= r.cols) return;
  at += r.rows * r.row_stride * element_bytes;
  for (int64_t i = 0; i < below; ++i, at += r.row_stride * element_bytes)
    for (int64_t j = 0; j < r.cols * element_bytes; j += kLine) __builtin_prefetch(at + j, Write);
}

// From memory whose rows may be neighbours to a block whose columns are: 16 rows by 16 columns at a time, so that each
// cache line is used whole on both sides, even where rows of the block are a multiple of 4 KiB apart. What a register
// cannot turn goes through a small square.
constexpr int64_t kTurned = 16;
template <class S>
PT_FN void load_turned(typename S::value* dst, const typename S::memory* src, Rect r) {
  using T = typename S::value;
  for (int64_t row = 0; row < r.rows; row += kTurned) {
    const int64_t rows = r.rows - row < kTurned ? r.rows - row : kTurned;
    for (int64_t col = 0; col < r.cols; col += kTurned) {
      const int64_t cols = r.cols - col < kTurned ? r.cols - col : kTurned;
      const auto* from = src + row * r.row_stride + col * r.col_stride;
      T* to = dst + row * r.cols + col;
      if constexpr (is_plain<S> && sizeof(T) >= 4) {
        if (rows == kTurned && cols == kTurned && r.row_stride == 1) {
          for (int64_t j = kTurned; j < 2 * kTurned; ++j) __builtin_prefetch(from + j * r.col_stride, 0, 2);
          turn_square(from, r.col_stride, to, r.cols);
          continue;
        }
      }
      T square[kTurned][kTurned];
      for (int64_t j = 0; j < cols; ++j)
        for (int64_t i = 0; i < rows; ++i) square[i][j] = S::get(from[i * r.row_stride + j * r.col_stride]);
      for (int64_t i = 0; i < rows; ++i) copy_run(to + i * r.cols, square[i], cols);
    }
  }
}

// Every second element.
template <class S>
PT_FN void load_seconds(typename S::value* dst, const typename S::memory* src, int64_t n) {
  int64_t i = 0;
  if constexpr (is_plain<S> && sizeof(typename S::value) >= 4) {
    typename S::value between[16];
    for (; i + 16 < n; i += 16) part_neighbours(src + 2 * i, dst + i, between);
  }
  for (; i < n; ++i) dst[i] = S::get(src[2 * i]);
}

template <class S>
PT_FN void load_rect(char* to, const char* from, Rect r) {
  auto* dst = reinterpret_cast<typename S::value*>(to);
  auto* src = reinterpret_cast<const typename S::memory*>(from);
  if (r.col_stride == 1 && (r.rows == 1 || r.row_stride == r.cols)) {
    load_run<S>(dst, src, r.rows * r.cols);
  } else if (r.col_stride == 1) {
    for (int64_t i = 0; i < r.rows; ++i) load_run<S>(dst + i * r.cols, src + i * r.row_stride, r.cols);
  } else if (r.col_stride == 0) {
    for (int64_t i = 0; i < r.rows; ++i) fill_lanes(dst + i * r.cols, S::get(src[i * r.row_stride]), r.cols);
  } else if (r.rows > 1 && r.row_stride < r.col_stride && r.row_stride > 0) {
    load_turned<S>(dst, src, r);
  } else if (r.col_stride == 2) {
    for (int64_t i = 0; i < r.rows; ++i) load_seconds<S>(dst + i * r.cols, src + i * r.row_stride, r.cols);
  } else {
    for (int64_t i = 0; i < r.rows; ++i, dst += r.cols, src += r.row_stride)
      for (int64_t j = 0; j < r.cols; ++j) dst[j] = S::get(src[j * r.col_stride]);
  }
}

// With `equal`, every element is the first of the block.
template <class S>
PT_FN void store_rect(char* to, const char* from, Rect r, bool equal) {
  auto* dst = reinterpret_cast<typename S::memory*>(to);
  auto* src = reinterpret_cast<const typename S::value*>(from);
  if (equal) {
    auto value = S::put(src[0]);
    for (int64_t i = 0; i < r.rows; ++i) {
      for (int64_t j = 0; j < r.cols; ++j) dst[i * r.row_stride + j * r.col_stride] = value;
    }
  } else if (r.col_stride == 1 && (r.rows == 1 || r.row_stride == r.cols)) {
    store_run<S>(dst, src, r.rows * r.cols);
  } else if (r.col_stride == 1) {
    for (int64_t i = 0; i < r.rows; ++i) store_run<S>(dst + i * r.row_stride, src + i * r.cols, r.cols);
  } else {
    for (int64_t j = 0; j < r.cols; ++j) {
      for (int64_t i = 0; i < r.rows; ++i) dst[i * r.row_stride + j * r.col_stride] = S::put(src[i * r.cols + j]);
    }
  }
}

}  // namespace PT_ISA
}  // namespace pt
