// How a convolution reads images and weights, and where its sums go.
#pragma once
#include "cuda/walk.h"
#include "ops/conv2d/cuda_desc.h"
#include "ops/matmul/cuda_strided.h"

namespace pt::cuda {

struct GridPixel {
  int64_t image, row, col;
};
PT_DEVICE GridPixel grid_pixel(const ConvProduct& p, int64_t pixel) {
  const Divided line = divide(pixel, p.grid_w), image = divide(line.quotient, p.grid_h);
  return {image.quotient, image.rest, line.rest};
}

struct ConvTap {
  int64_t y, x, channel;
};
PT_DEVICE ConvTap conv_tap(const ConvProduct& p, int64_t k) {
  const Divided tap = divide(k, p.inner), y = divide(tap.quotient, p.taps_x);
  return {y.quotient, y.rest, tap.rest};
}

// The element of the image that a pixel reads for a tap; -1 outside of the image.
PT_DEVICE int64_t gathered(const ConvProduct& p, const GridPixel& pixel, const ConvTap& tap) {
  const ConvGather& g = p.gather;
  const int64_t y = pixel.row * g.step_y + g.first_y + tap.y * g.tap_y;
  const int64_t x = pixel.col * g.step_x + g.first_x + tap.x * g.tap_x;
  if (uint64_t(y) >= uint64_t(g.source_h) || uint64_t(x) >= uint64_t(g.source_w)) return -1;
  return ((pixel.image * g.source_h + y) * g.source_w + x) * g.channels + tap.channel;
}

// Pixels are lines and K is taps by channels; of the gradient of the weights it is the other way round.
template <class T, bool kConverts, bool kPixelsAreLines>
struct GatheredImage {
  const ConvProduct& p;
  const char* at;
  static constexpr bool along_k = kPixelsAreLines;  // channels are what lies side by side
  bool vectors;

  __device__ __forceinline__ GatheredImage(const ConvProduct& product, const char* image, int64_t batch)
      : p(product),
        at(image + batch_offset(p.product, p.product.left_batch, batch) * size_of_float(p.product.left_type)),
        vectors(p.product.left_vectors && !kConverts && is_aligned(at, 16)) {}
  __device__ __forceinline__ int64_t offset(int64_t line, int64_t k) const {
    if (line >= p.product.rows || k >= p.product.depth) return -1;
    return kPixelsAreLines ? gathered(p, grid_pixel(p, line), conv_tap(p, k))
                           : gathered(p, grid_pixel(p, k), conv_tap(p, line));
  }
  __device__ __forceinline__ T load(int64_t line, int64_t k) const {
    const int64_t i = offset(line, k);
    if (i < 0) return T(0);
    if constexpr (kConverts) return load_float<T>(at, i, p.product.left_type);
    return reinterpret_cast<const T*>(at)[i];
  }
  __device__ __forceinline__ const T* vector_at(int64_t line, int64_t k) const {
    const int64_t i = offset(line, k);
    return i < 0 ? nullptr : reinterpret_cast<const T*>(at) + i;
  }
  __device__ __forceinline__ Pack<T, kVector<T>> load_vector(int64_t line, int64_t k) const {
    using V = Pack<T, kVector<T>>;
    const int64_t i = offset(line, k);
    return i < 0 ? V{} : *reinterpret_cast<const V*>(reinterpret_cast<const T*>(at) + i);
  }
};

// The right operand, K being taps by channels.
template <class T, bool kConverts>
struct TapWeights {
  const ConvProduct& p;
  const char* at;
  bool along_k, vectors;

  __device__ __forceinline__ TapWeights(const ConvProduct& product, const char* weights, int64_t batch)
      : p(product),
        at(weights + (batch_offset(p.product, p.product.right_batch, batch) + p.weight_first) *
                         size_of_float(p.product.right_type)),
        along_k(p.product.right_along_k),
        vectors(p.product.right_vectors && !kConverts && is_aligned(at, 16)) {}
  __device__ __forceinline__ int64_t offset(int64_t col, int64_t k) const {
    if (col >= p.product.cols || k >= p.product.depth) return -1;
    const ConvTap tap = conv_tap(p, k);
    return tap.y * p.weight_tap_y + tap.x * p.weight_tap_x + tap.channel * p.weight_inner + col * p.weight_col;
  }
  __device__ __forceinline__ T load(int64_t col, int64_t k) const {
    const int64_t i = offset(col, k);
    if (i < 0) return T(0);
    if constexpr (kConverts) return load_float<T>(at, i, p.product.right_type);
    return reinterpret_cast<const T*>(at)[i];
  }
  __device__ __forceinline__ const T* vector_at(int64_t col, int64_t k) const {
    const int64_t i = offset(col, k);
    return i < 0 ? nullptr : reinterpret_cast<const T*>(at) + i;
  }
  __device__ __forceinline__ Pack<T, kVector<T>> load_vector(int64_t col, int64_t k) const {
    using V = Pack<T, kVector<T>>;
    const int64_t i = offset(col, k);
    return i < 0 ? V{} : *reinterpret_cast<const V*>(reinterpret_cast<const T*>(at) + i);
  }
};

// The pixel of the result that a grid pixel's sums go to.
PT_DEVICE int64_t scattered_pixel(const ConvProduct& p, int64_t row) {
  if (!p.scattered) return row;
  const GridPixel pixel = grid_pixel(p, row);
  const ConvScatter& s = p.scatter;
  return (pixel.image * s.out_h + pixel.row * s.step_y + s.first_y) * s.out_w + pixel.col * s.step_x + s.first_x;
}

template <class T>
struct ScatteredResult {
  const ConvProduct& p;
  StridedResult<T> result;

  __device__ __forceinline__ ScatteredResult(const ConvProduct& product, char* out, const TilePlace& place)
      : p(product), result(result_of<T>(p.product, out, place)) {
    if (p.scattered) result.rows = INT64_MAX;  // of the whole result; those of the product are looked at here
  }
  template <int kCount>
  __device__ __forceinline__ void operator()(int64_t row, int64_t col, const Pack<T, kCount>& sums) const {
    if (row < p.product.rows) result(scattered_pixel(p, row), col, sums);
  }
};

}  // namespace pt::cuda
