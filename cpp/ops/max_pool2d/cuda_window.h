// What the kernels of both poolings share: a thread writes one element, neighbours being channels of a pixel. The
// order of every sum is the CPU's, and so are the bits.
#pragma once
#include "cuda/half.h"
#include "cuda/walk.h"
#include "ops/max_pool2d/cuda_desc.h"

namespace pt::cuda {

// Elements as they are stored, and the type of their arithmetic.
struct StoredF32 {
  using value = float;
  static constexpr DType type = DType::F32;
};
struct StoredF64 {
  using value = double;
  static constexpr DType type = DType::F64;
};
struct StoredF16 {
  using value = float;
  static constexpr DType type = DType::F16;
};
struct StoredBf16 {
  using value = float;
  static constexpr DType type = DType::BF16;
};

struct PoolElement {
  int64_t image, row, col, channel;
};
PT_DEVICE PoolElement pool_element(const PoolProblem& p, int64_t i) {
  const Divided pixel = divide(i, p.channels), line = divide(pixel.quotient, p.width);
  const Divided image = divide(line.quotient, p.height);
  return {image.quotient, image.rest, line.rest, pixel.rest};
}

struct PoolRange {
  int64_t begin, end;
};

PT_DEVICE int64_t pool_least(int64_t a, int64_t b) { return a < b ? a : b; }
PT_DEVICE int64_t pool_floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// Of the window at `out`, the elements that lie inside of an input of that size.
PT_DEVICE PoolRange inside_window(int64_t out, int64_t stride, int64_t pad, int64_t window, int64_t size,
                                  int64_t dilation) {
  const int64_t first = out * stride - pad, inside = (size - first + dilation - 1) / dilation;
  return {first < 0 ? (-first + dilation - 1) / dilation : 0, pool_least(inside, window)};
}

// The windows that reach over the input at `in`; those that are dilated may pass over it.
PT_DEVICE PoolRange windows_over(int64_t in, int64_t stride, int64_t pad, int64_t window, int64_t windows,
                                 int64_t dilation) {
  const int64_t begin = pool_floor_div(in + pad - dilation * (window - 1) - 1, stride) + 1;
  return {begin < 0 ? 0 : begin, pool_least((in + pad) / stride + 1, windows)};
}

PT_DEVICE PoolRange rows_inside(const PoolDesc& d, int64_t row) {
  return inside_window(row, d.stride_h, d.pad_top, d.window_h, d.height, d.dilation_h);
}
PT_DEVICE PoolRange cols_inside(const PoolDesc& d, int64_t col) {
  return inside_window(col, d.stride_w, d.pad_left, d.window_w, d.width, d.dilation_w);
}
PT_DEVICE PoolRange rows_over(const PoolDesc& d, int64_t row) {
  return windows_over(row, d.stride_h, d.pad_top, d.window_h, d.out_height, d.dilation_h);
}
PT_DEVICE PoolRange cols_over(const PoolDesc& d, int64_t col) {
  return windows_over(col, d.stride_w, d.pad_left, d.window_w, d.out_width, d.dilation_w);
}

PT_DEVICE int64_t image_at(const PoolDesc& d, int64_t image, int64_t row, int64_t col, int64_t channel) {
  return ((image * d.height + row) * d.width + col) * d.channels + channel;
}
PT_DEVICE int64_t result_at(const PoolDesc& d, int64_t image, int64_t row, int64_t col, int64_t channel) {
  return ((image * d.out_height + row) * d.out_width + col) * d.channels + channel;
}

}  // namespace pt::cuda

// A kernel of both poolings for each dtype.
#define PT_POOL_KERNEL(name, count, work, Stored) \
  PT_CUDA_KERNEL(name, count, pt::cuda::PoolProblem, 256) { pt::cuda::work<pt::cuda::Stored>(operands, params); }
#define PT_POOL_KERNELS(prefix, count, work)           \
  PT_POOL_KERNEL(prefix##_f32, count, work, StoredF32) \
  PT_POOL_KERNEL(prefix##_f64, count, work, StoredF64) \
  PT_POOL_KERNEL(prefix##_f16, count, work, StoredF16) \
  PT_POOL_KERNEL(prefix##_bf16, count, work, StoredBf16)
