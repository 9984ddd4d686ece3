// Blocks of the gathered operand of a convolution, copied to scratch: pixels by (tap, channel). In NHWC the taps of one
// kernel row are one contiguous run of the image when neither dilation nor groups spread them, so that most of the copy
// is long moves; a copied element serves every output channel of the chunk.
#pragma once
#include "ops/conv2d/desc.h"
#include "ops/matmul/region.h"

namespace pt {
namespace PT_ISA {

// A run of consecutive K indices that read consecutive memory of one image row.
struct GatherRun {
  int64_t dy, dx;         // source pixel of the run's tap, relative to the first tap's
  int64_t begin, length;  // elements of the run, counted from that source pixel
};

// The runs of a block of K, and what all of them together reach: pixels for which that is inside of the image need no
// further tests.
struct GatherRuns {
  GatherRun run[kBlockDepth];
  int count;
  int64_t top, bottom, left, right;
};

// Copies whole vectors: up to a vector less one element too much is read and written.
template <class T>
inline void copy_vectors(const T* src, int64_t n, T* dst) {
  for (int64_t i = 0; i < n; i += Register<T>::kLanes) Register<T>::load(src + i).store(dst + i);
}

template <class T>
inline void zero_vectors(int64_t n, T* dst) {
  for (int64_t i = 0; i < n; i += Register<T>::kLanes) Register<T>::zero().store(dst + i);
}

// Copies exactly n elements, the last vector overlapping the one before.
template <class T>
inline void copy_exactly(const T* src, int64_t n, T* dst) {
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
  if (!is_half(type)) return copy_exactly(reinterpret_cast<const T*>(src), n, dst);
  const uint16_t* from = reinterpret_cast<const uint16_t*>(src);
  float* to = reinterpret_cast<float*>(dst);
  type == DType::BF16 ? widen_row<BFloat16>(from, 1, n, to) : widen_row<Float16>(from, 1, n, to);
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

inline int64_t clamp(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

// The runs of K indices [k, k + depth).
inline void find_runs(const ConvGather& g, int64_t k, int64_t depth, GatherRuns& all) {
  const bool adjoin = taps_adjoin(g);
  const int64_t run_length = tap_run(g);
  all.count = 0;
  all.top = all.left = INT64_MAX;
  all.bottom = all.right = INT64_MIN;
  while (depth > 0) {
    const int64_t index = k / run_length, begin = k % run_length;
    const int64_t length = run_length - begin < depth ? run_length - begin : depth;
    const int64_t tap_y = adjoin ? index : index / g.taps_x, tap_x = adjoin ? 0 : index % g.taps_x;
    const GatherRun run = {tap_y * g.tap_y, tap_x * g.tap_x, begin, length};
    const int64_t first = run.dx + begin / g.channels, last = run.dx + (begin + length - 1) / g.channels;
    if (run.dy < all.top) all.top = run.dy;
    if (run.dy > all.bottom) all.bottom = run.dy;
    if (first < all.left) all.left = first;
    if (last > all.right) all.right = last;
    all.run[all.count++] = run;
    k += length;
    depth -= length;
  }
}

// The source of a gather: an image batch at the first channel of a group.
struct GatherSource {
  const char* at;
  DType type;
  const char* end;  // of the memory that may be read
};

// The lines of memory that hold what the grid's lines of these pixels reach.
template <class T>
inline Lines source_lines(const ConvGather& g, const GatherSource& s, int64_t pixel, int64_t pixels) {
  if (g.inner != g.channels || pixels <= 0) return {};
  const int64_t first = pixel / g.grid_w, end = (pixel + pixels + g.grid_w - 1) / g.grid_w;
  const ConvWindow window = window_of(g);
  const auto row = [&](int64_t line, int64_t tap) {
    return line / g.grid_h * g.source_h + clamp(line % g.grid_h * g.step_y + g.first_y + tap, 0, g.source_h - 1);
  };
  const int64_t from = row(first, window.top), to = row(end - 1, window.top + window.height - 1) + 1;
  const int64_t row_bytes = g.source_w * g.channels * element_size<T>(s.type);
  const char* at = s.at + from * row_bytes;
  return {at, 0, 1, lines_touched(at, (to - from) * row_bytes, 64)};
}

// Runs of a pixel that lies so that all of them are inside of the image.
template <class T>
inline void gather_inside(const ConvGather& g, const char* pixel, const GatherSource& s, const GatherRuns& all,
                          T* dst) {
  const int64_t row = g.source_w * g.channels;
  if (is_half(s.type)) {
    for (int r = 0; r < all.count; dst += all.run[r++].length)
      copy_elements(pixel + (all.run[r].dy * row + all.run[r].dx * g.channels + all.run[r].begin) * 2, s.type,
                    all.run[r].length, dst);
    return;
  }
  const T* from = reinterpret_cast<const T*>(pixel);
  for (int r = 0; r < all.count; ++r) {
    const GatherRun& run = all.run[r];
    const T* src = from + run.dy * row + run.dx * g.channels + run.begin;
    // What a vector writes too much, the next run or pixel overwrites; the block has room behind its last.
    if (reinterpret_cast<const char*>(src + run.length + Register<T>::kLanes) <= s.end) {
      copy_vectors(src, run.length, dst);
    } else {
      copy_exactly(src, run.length, dst);
    }
    dst += run.length;
  }
}

// Runs of a pixel near the border: zeros, and then what lies inside.
template <class T>
inline void gather_border(const ConvGather& g, const char* image, int64_t y0, int64_t x0, const GatherSource& s,
                          const GatherRuns& all, T* dst) {
  const bool adjoin = taps_adjoin(g);
  const int64_t size = element_size<T>(s.type);
  for (int r = 0; r < all.count; ++r) {
    const GatherRun& run = all.run[r];
    const int64_t y = y0 + run.dy, x = x0 + run.dx;
    int64_t low = run.begin, high = run.begin + run.length;
    if (y < 0 || y >= g.source_h) {
      high = low;
    } else if (adjoin) {
      low = clamp(-x * g.inner, run.begin, high);
      high = clamp((g.source_w - x) * g.inner, low, high);
    } else if (x < 0 || x >= g.source_w) {
      high = low;
    }
    if (high - low < run.length) zero_vectors(run.length, dst);
    if (high > low)
      copy_elements(image + ((y * g.source_w + x) * g.channels + low) * size, s.type, high - low,
                    dst + low - run.begin);
    dst += run.length;
  }
}

// dst[p * depth + j] for the pixels [pixel, pixel + pixels), j over the elements of all runs, depth in number; there is
// room for one vector behind the block.
template <class T>
inline void gather_pixels(const ConvGather& g, const GatherSource& s, const GatherRuns& all, int64_t pixel,
                          int64_t pixels, int64_t depth, T* dst) {
  const int64_t size = element_size<T>(s.type);
  const int64_t image_bytes = g.source_h * g.source_w * g.channels * size;
  GatherPixel p = pixel_of(g, pixel);
  for (int64_t i = 0; i < pixels; ++i, dst += depth) {
    const char* image = s.at + p.image * image_bytes;
    const int64_t y = p.a * g.step_y + g.first_y, x = p.b * g.step_x + g.first_x;
    const bool inside =
        y + all.top >= 0 && y + all.bottom < g.source_h && x + all.left >= 0 && x + all.right < g.source_w;
    if (inside) {
      gather_inside(g, image + (y * g.source_w + x) * g.channels * size, s, all, dst);
    } else {
      gather_border(g, image, y, x, s, all, dst);
    }
    next_pixel(g, p);
  }
}

// Rows are pixels: the forward product and the gradient of the input.
template <class T>
struct GatheredRows {
  const ConvGather& gather;
  GatherSource source;
  int64_t pixel, pixels;
  bool strips;
  T* copied;

  Lines lines_of(int64_t, int64_t) const { return {}; }
  LeftBlock<T> block(int64_t k, int64_t depth) {
    GatherRuns all;
    find_runs(gather, k, depth, all);
    if (!strips) {
      gather_pixels(gather, source, all, pixel, pixels, depth, copied);
      return {copied, depth, 1, false};
    }
    alignas(64) T rows[kTileRows * kBlockDepth + Register<T>::kLanes];
    const StripPacker<T> packer(Strips(pixels, kTileRows));
    for (int64_t strip = 0, row = 0; strip < packer.strips.count; row += packer.strips.rows_of(strip++)) {
      gather_pixels(gather, source, all, pixel + row, packer.strips.rows_of(strip), depth, rows);
      packer.pack(strip, rows, depth, depth, copied + row * depth);
    }
    return {copied, 0, 0, true};
  }
};

// Rows are (tap, channel), K is pixels: the gradient of the weights.
template <class T>
struct GatheredColumns {
  const ConvGather& gather;
  GatherSource source;
  int64_t row, rows;
  bool strips;
  T* copied;

  Lines lines_of(int64_t k, int64_t depth) const { return source_lines<T>(gather, source, k, depth); }
  LeftBlock<T> block(int64_t k, int64_t depth) {
    GatherRuns all;
    find_runs(gather, row, rows, all);
    if (!strips) {
      gather_pixels(gather, source, all, k, depth, rows, copied);
      return {copied, 1, rows, false};
    }
    alignas(64) T pixels[kStepsAtOnce * kMostRegionRows + Register<T>::kLanes];
    const StripPacker<T> packer(Strips(rows, kTileRows));
    for (int64_t step = 0; step < depth; step += kStepsAtOnce) {
      const int64_t steps = step + kStepsAtOnce < depth ? kStepsAtOnce : depth - step;
      gather_pixels(gather, source, all, k + step, steps, rows, pixels);
      packer.pack_steps(pixels, rows, step, steps, depth, copied);
    }
    return {copied, 0, 0, true};
  }
};

}  // namespace PT_ISA
}  // namespace pt
