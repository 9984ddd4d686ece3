// The left operand of a convolution where its image lies: some lines of pixels are copied once, with zeros around them,
// and each tap is then the same pixels at another offset. A gather copies every pixel once for each of its taps.
#pragma once
#include "ops/conv2d/gather.h"

namespace pt {
namespace PT_ISA {

// Lines [first, end) of the grid (line = image * grid_h + row), each with all that its taps reach. Images follow each
// other; of each there are the rows that its lines reach.
template <class T>
class PaddedLines {
 public:
  PaddedLines(const ConvGather& g, T* at) : g_(g), window_(window_of(g)), at_(at) {}

  void copy(const GatherSource& s, int64_t first, int64_t end) {
    first_ = first;
    const int64_t first_image = first / g_.grid_h;
    T* to = at_;
    for (int64_t image = first_image; image * g_.grid_h < end; ++image) {
      const int64_t a = image == first_image ? first % g_.grid_h : 0;
      const int64_t last = end - image * g_.grid_h < g_.grid_h ? end - image * g_.grid_h : g_.grid_h;
      const int64_t rows = (last - 1 - a) * g_.step_y + window_.height;
      if (image == first_image) rows_of_first_ = rows;
      copy_rows(s, image, a * g_.step_y + g_.first_y + window_.top, rows, to);
      to += rows * row_elements();
    }
  }

  const T* at() const { return at_; }
  int64_t pixel_step() const { return g_.step_x * g_.inner; }
  // Of the first pixel of a line, at the window's first tap.
  int64_t line(int64_t line) const {
    const int64_t image = line / g_.grid_h - first_ / g_.grid_h, a = line % g_.grid_h;
    if (image == 0) return (a - first_ % g_.grid_h) * g_.step_y * row_elements();
    const int64_t rows_of_image = (g_.grid_h - 1) * g_.step_y + window_.height;
    return (rows_of_first_ + (image - 1) * rows_of_image + a * g_.step_y) * row_elements();
  }
  int64_t tap(const GatherRun& run) const {
    return (run.dy - window_.top) * row_elements() + (run.dx - window_.left) * g_.inner + run.begin;
  }

 private:
  int64_t row_elements() const { return window_.row_pixels(g_) * g_.inner; }

  void copy_rows(const GatherSource& s, int64_t image, int64_t y, int64_t rows, T* to) const {
    const int64_t size = element_size<T>(s.type);
    const int64_t x = g_.first_x + window_.left, pixels = window_.row_pixels(g_);
    const int64_t low = clamp(-x, 0, pixels), high = clamp(g_.source_w - x, low, pixels);
    for (int64_t i = 0; i < rows; ++i, to += pixels * g_.inner) {
      const bool inside = y + i >= 0 && y + i < g_.source_h;
      zero(to, inside ? low * g_.inner : pixels * g_.inner);
      if (!inside) continue;
      const char* from = s.at + ((image * g_.source_h + y + i) * g_.source_w + x + low) * g_.channels * size;
      if (g_.inner == g_.channels) {
        if (high > low) copy_elements(from, s.type, (high - low) * g_.inner, to + low * g_.inner);
      } else {
        for (int64_t j = low; j < high; ++j, from += g_.channels * size)
          copy_elements(from, s.type, g_.inner, to + j * g_.inner);
      }
      zero(to + high * g_.inner, (pixels - high) * g_.inner);
    }
  }
  static void zero(T* to, int64_t n) {
    for (int64_t i = 0; i < n; ++i) to[i] = 0;
  }

  const ConvGather& g_;
  ConvWindow window_;
  T* at_;
  int64_t first_ = 0, rows_of_first_ = 0;
};

// Rows are pixels: whole lines of the grid.
template <class T>
class PaddedRows {
 public:
  PaddedRows(const ConvGather& g, const GatherSource& s, int64_t pixel, int64_t pixels, T* scratch)
      : gather_(g), image_(g, scratch), lines_(pixels / g.grid_w) {
    const int64_t first = pixel / g.grid_w;
    image_.copy(s, first, first + lines_);
    for (int64_t i = 0; i < lines_; ++i) rows_[i] = {image_.line(first + i), g.grid_w};
  }
  Lines lines_of(int64_t, int64_t) const { return {}; }
  LeftBlock<T> block(int64_t k, int64_t depth) {
    GatherRuns all;
    find_runs(gather_, k, depth, all);
    for (int r = 0; r < all.count; ++r) k_[r] = {image_.tap(all.run[r]), all.run[r].length};
    return {image_.at(), image_.pixel_step(), 1, false, false, {rows_, lines_}, {k_, all.count}};
  }

 private:
  const ConvGather& gather_;
  PaddedLines<T> image_;
  int64_t lines_;
  Run rows_[kMostRegionRows], k_[kBlockDepth];
};

// Rows are (tap, channel), K is pixels: the gradient of the weights.
template <class T>
class PaddedColumns {
 public:
  PaddedColumns(const ConvGather& g, const GatherSource& s, int64_t row, int64_t rows, T* scratch)
      : gather_(g), source_(s), image_(g, scratch) {
    GatherRuns all;
    find_runs(g, row, rows, all);
    taps_ = all.count;
    for (int r = 0; r < taps_; ++r) rows_[r] = {image_.tap(all.run[r]), all.run[r].length};
  }
  Lines lines_of(int64_t k, int64_t depth) const { return source_lines<T>(gather_, source_, k, depth); }
  LeftBlock<T> block(int64_t k, int64_t depth) {
    const int64_t width = gather_.grid_w, first = k / width, end = (k + depth + width - 1) / width;
    image_.copy(source_, first, end);
    for (int64_t i = first; i < end; ++i) {
      const int64_t low = i == first ? k % width : 0;
      const int64_t high = k + depth - i * width < width ? k + depth - i * width : width;
      k_[i - first] = {image_.line(i) + low * image_.pixel_step(), high - low};
    }
    return {image_.at(), 1, image_.pixel_step(), false, false, {rows_, taps_}, {k_, end - first}};
  }

 private:
  const ConvGather& gather_;
  GatherSource source_;
  PaddedLines<T> image_;
  int64_t taps_;
  Run rows_[kBlockDepth], k_[kBlockDepth + 2];
};

}  // namespace PT_ISA
}  // namespace pt
