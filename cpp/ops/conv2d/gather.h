// Blocks of the gathered operand of a convolution, copied to scratch: pixels by (tap, channel). In NHWC the taps of one
// kernel row are one contiguous run of the image when neither dilation nor groups spread them, so that most of the copy
// is long moves; a copied element serves every output channel of the chunk.
#pragma once
#include "ops/conv2d/desc.h"
#include "ops/matmul/region.h"

namespace pt {
namespace PT_ISA {

// A run of consecutive K indices that read consecutive memory: elements [begin, begin + length) of tap row i from tap
// j.
struct GatherRun {
  int64_t tap_y, tap_x, begin, length;
};

template <class T>
inline void copy_small(const T* src, int64_t n, T* dst) {
  constexpr int kLanes = Register<T>::kLanes;
  if (n >= kLanes) {
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) Register<T>::load(src + i).store(dst + i);
    if (i < n) Register<T>::load(src + n - kLanes).store(dst + n - kLanes);
    return;
  }
  if (n & 8) __builtin_memcpy(dst, src, 8 * sizeof(T)), src += 8, dst += 8;
  if (n & 4) __builtin_memcpy(dst, src, 4 * sizeof(T)), src += 4, dst += 4;
  if (n & 2) __builtin_memcpy(dst, src, 2 * sizeof(T)), src += 2, dst += 2;
  if (n & 1) *dst = *src;
}

template <class T>
inline void copy_elements(const char* src, DType type, int64_t n, T* dst) {
  if (!is_half(type)) return copy_small(reinterpret_cast<const T*>(src), n, dst);
  const uint16_t* from = reinterpret_cast<const uint16_t*>(src);
  float* to = reinterpret_cast<float*>(dst);
  type == DType::BF16 ? widen_row<BFloat16>(from, 1, n, to) : widen_row<Float16>(from, 1, n, to);
}

template <class T>
inline void zero_elements(int64_t n, T* dst) {
  for (int64_t i = 0; i < n; ++i) dst[i] = 0;
}

struct GatherPixel {
  int64_t image, a, b;
};

inline GatherPixel pixel_of(const ConvGather& g, int64_t index) {
  const int64_t per_image = g.grid_h * g.grid_w;
  const int64_t within = index % per_image;
  return {index / per_image, within / g.grid_w, within % g.grid_w};
}

inline void next_pixel(const ConvGather& g, GatherPixel& p) {
  if (++p.b < g.grid_w) return;
  p.b = 0;
  if (++p.a < g.grid_h) return;
  p.a = 0;
  ++p.image;
}

// Element offset of the out pixel of a grid pixel, at the first channel.
inline int64_t scattered_row(const ConvDesc& d, const GatherPixel& p) {
  const ConvScatter& s = d.scatter;
  return ((p.image * s.out_h + p.a * s.step_y + s.first_y) * s.out_w + p.b * s.step_x + s.first_x) * s.channels;
}

// Whether the taps of one row are one run of memory.
inline bool taps_adjoin(const ConvGather& g) { return g.tap_x == 1 && g.inner == g.channels; }

// The runs of K indices [k, k + depth), at most kBlockDepth of them.
inline int gather_runs(const ConvGather& g, int64_t k, int64_t depth, GatherRun* runs) {
  const bool adjoin = taps_adjoin(g);
  const int64_t run_length = adjoin ? g.taps_x * g.inner : g.inner;
  int count = 0;
  while (depth > 0) {
    const int64_t run = k / run_length, begin = k % run_length;
    const int64_t length = run_length - begin < depth ? run_length - begin : depth;
    runs[count++] =
        adjoin ? GatherRun{run, 0, begin, length} : GatherRun{run / g.taps_x, run % g.taps_x, begin, length};
    k += length;
    depth -= length;
  }
  return count;
}

inline int64_t clamp(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

// One pixel's part of a block. image: address of the pixel's image, at the first channel of the group.
template <class T>
inline void gather_pixel(const ConvGather& g, const char* image, DType type, int64_t size, const GatherPixel& p,
                         const GatherRun* runs, int n_runs, T* dst) {
  const bool adjoin = taps_adjoin(g);
  const int64_t y0 = p.a * g.step_y + g.first_y, x0 = p.b * g.step_x + g.first_x;
  for (int r = 0; r < n_runs; ++r) {
    const GatherRun& run = runs[r];
    const int64_t y = y0 + run.tap_y * g.tap_y, x = x0 + run.tap_x * g.tap_x;
    // Elements of the run that lie inside of the image's row.
    int64_t low = run.begin, high = run.begin + run.length;
    if (y < 0 || y >= g.source_h) {
      high = low;
    } else if (adjoin) {
      low = clamp(-x * g.inner, run.begin, high);
      high = clamp((g.source_w - x) * g.inner, low, high);
    } else if (x < 0 || x >= g.source_w) {
      high = low;
    }
    if (high > low)
      copy_elements(image + ((y * g.source_w + x) * g.channels + low) * size, type, high - low, dst + low - run.begin);
    if (low > run.begin) zero_elements(low - run.begin, dst);
    if (high < run.begin + run.length) zero_elements(run.begin + run.length - high, dst + high - run.begin);
    dst += run.length;
  }
}

// dst[p * dst_row + j] for the pixels [pixel, pixel + pixels) and K indices [k, k + depth).
template <class T>
inline void gather_block(const ConvGather& g, const char* source, DType type, int64_t pixel, int64_t pixels, int64_t k,
                         int64_t depth, T* dst, int64_t dst_row) {
  GatherRun runs[kBlockDepth];
  const int n_runs = gather_runs(g, k, depth, runs);
  const int64_t size = is_half(type) ? 2 : static_cast<int64_t>(sizeof(T));
  const int64_t image_bytes = g.source_h * g.source_w * g.channels * size;
  GatherPixel p = pixel_of(g, pixel);
  for (int64_t i = 0; i < pixels; ++i) {
    gather_pixel(g, source + p.image * image_bytes, type, size, p, runs, n_runs, dst + i * dst_row);
    next_pixel(g, p);
  }
}

// Rows are pixels: the forward product and the gradient of the input.
template <class T>
struct GatheredRows {
  const ConvGather& gather;
  const char* source;
  DType type;
  int64_t pixel, pixels;
  T* copied;

  LeftBlock<T> block(int64_t k, int64_t depth) {
    gather_block(gather, source, type, pixel, pixels, k, depth, copied, depth);
    return {copied, depth, 1};
  }
};

// Rows are (tap, channel), K is pixels: the gradient of the weights.
template <class T>
struct GatheredColumns {
  const ConvGather& gather;
  const char* source;
  DType type;
  int64_t row, rows;
  T* copied;

  LeftBlock<T> block(int64_t k, int64_t depth) {
    gather_block(gather, source, type, k, depth, row, rows, copied, rows);
    return {copied, 1, rows};
  }
};

}  // namespace PT_ISA
}  // namespace pt
