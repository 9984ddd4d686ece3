// Convolutions with one channel per group: lanes run along channels, and each channel is a chain over its taps (or, for
// the gradient of the weights, over the pixels). Two loads feed each multiply-add, so the caches are the limit.
#pragma once
#include "core/kernel.h"
#include "ops/conv2d/gather.h"
#include "ops/matmul/chunk.h"
#include "ops/matmul/finish.h"

namespace pt {
namespace PT_ISA {

template <class T>
inline Register<T> load_lanes(const char* p, DType type, int n) {
  if (!is_half(type)) {
    const T* at = reinterpret_cast<const T*>(p);
    return n == Register<T>::kLanes ? Register<T>::load(at) : Register<T>::load_first(at, n);
  }
  T lanes[Register<T>::kLanes] = {};
  copy_elements(p, type, n, lanes);
  return Register<T>::load(lanes);
}

template <class T>
inline void store_lanes(Register<T> value, char* p, DType type, int n) {
  if (!is_half(type)) {
    T* at = reinterpret_cast<T*>(p);
    return n == Register<T>::kLanes ? value.store(at) : value.store_first(at, n);
  }
  T lanes[Register<T>::kLanes];
  value.store(lanes);
  store_block(lanes, n, 1, n, {p, type, n, 1});
}

// Byte offsets of the source pixels of every tap, or -1 outside of the image.
inline void gather_offsets(const ConvGather& g, const GatherPixel& p, int64_t size, int64_t* offsets, int64_t step) {
  for (int64_t i = 0; i < g.taps_y; ++i)
    for (int64_t j = 0; j < g.taps_x; ++j) {
      const int64_t y = p.a * g.step_y + g.first_y + i * g.tap_y, x = p.b * g.step_x + g.first_x + j * g.tap_x;
      const bool inside = y >= 0 && y < g.source_h && x >= 0 && x < g.source_w;
      *offsets = inside ? ((p.image * g.source_h + y) * g.source_w + x) * g.channels * size : -1;
      offsets += step;
    }
}

// A few vectors of channels at once, to hide the latency of the chains.
inline constexpr int kDepthwiseVectors = 4;

// Of whole vectors, in the compute dtype.
template <class T>
inline void whole_chain(const T* left, const int64_t* offsets, const T* right, int64_t right_step, int64_t count,
                        Register<T> (&chain)[kDepthwiseVectors]) {
  using R = Register<T>;
  alignas(64) const T zeros[kDepthwiseVectors * R::kLanes] = {};
  R sum[kDepthwiseVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kDepthwiseVectors; ++v) sum[v] = R::zero();
  for (int64_t i = 0; i < count; ++i, right = offset_bytes(right, right_step)) {
    const T* a = offsets[i] < 0 ? zeros : offset_bytes(left, offsets[i]);
#pragma GCC unroll 4
    for (int v = 0; v < kDepthwiseVectors; ++v)
      sum[v] = fma(R::load(a + v * R::kLanes), R::load(right + v * R::kLanes), sum[v]);
  }
#pragma GCC unroll 4
  for (int v = 0; v < kDepthwiseVectors; ++v) chain[v] = sum[v];
}

// chain[v] = sum over i < count of left[offsets[i]] * right[i * right_step], kDepthwiseVectors vectors of channels.
// Both addresses already point at the first channel; n is the number of channels, at most those of all vectors.
template <class T>
inline void depthwise_chain(const char* left, DType left_type, const int64_t* offsets, const char* right,
                            DType right_type, int64_t right_step, int64_t count, int n,
                            Register<T> (&chain)[kDepthwiseVectors]) {
  constexpr int kLanes = Register<T>::kLanes;
  const int64_t left_size = element_size<T>(left_type), right_size = element_size<T>(right_type);
  if (n == kDepthwiseVectors * kLanes && !is_half(left_type) && !is_half(right_type))
    return whole_chain(reinterpret_cast<const T*>(left), offsets, reinterpret_cast<const T*>(right), right_step, count,
                       chain);
  const int vectors = (n + kLanes - 1) / kLanes, tail = n - (vectors - 1) * kLanes;
  for (int v = 0; v < kDepthwiseVectors; ++v) chain[v] = Register<T>::zero();
  for (int64_t i = 0; i < count; ++i) {
    for (int v = 0; v < vectors; ++v) {
      const int lanes = v == vectors - 1 ? tail : kLanes;
      const Register<T> a = offsets[i] < 0
                                ? Register<T>::zero()
                                : load_lanes<T>(left + offsets[i] + v * kLanes * left_size, left_type, lanes);
      const Register<T> b = load_lanes<T>(right + i * right_step + v * kLanes * right_size, right_type, lanes);
      chain[v] = fma(a, b, chain[v]);
    }
  }
}

// rows are pixels, cols channels, depth taps.
template <class T>
void depthwise(const KernelArgs* args, int64_t chunk) {
  const ConvDesc& d = *static_cast<const ConvDesc*>(args->desc);
  const MatmulDesc& m = d.product;
  const MatmulProblem& p = m.problem;
  const MatmulChunk c = chunk_of(m, chunk);
  const int64_t left_size = element_size<T>(p.left_type), right_size = element_size<T>(p.right_type);
  const DType out_type = p.has_epilogue() ? kTypeOf<T> : p.out_type;
  const int64_t out_size = element_size<T>(out_type);
  constexpr int64_t kWidth = kDepthwiseVectors * Register<T>::kLanes;
  int64_t offsets[kDepthwiseMaxTaps];
  const Sums<T> sums = {reinterpret_cast<T*>(args->scratch + m.layout.sums), m.layout.sums_row, nullptr, 0};
  GatherPixel pixel = pixel_of(d.gather, c.row);
  for (int64_t row = 0; row < c.rows; ++row) {
    gather_offsets(d.gather, pixel, left_size, offsets, 1);
    char* out_row = p.has_epilogue() ? reinterpret_cast<char*>(sums.sum + row * sums.sum_row)
                                     : args->data[p.out_at] + (scattered_row(d, pixel) + c.col) * out_size;
    for (int64_t col = c.col; col < c.col + c.cols; col += kWidth) {
      const int n = static_cast<int>(least(kWidth, c.col + c.cols - col));
      Register<T> chain[kDepthwiseVectors];
      depthwise_chain(args->data[p.left_at] + col * left_size, p.left_type, offsets,
                      args->data[p.right_at] + col * right_size, p.right_type, p.right_k * right_size, p.depth, n,
                      chain);
      char* out = out_row + (col - c.col) * out_size;
      constexpr int kLanes = Register<T>::kLanes;
      for (int v = 0; v * kLanes < n; ++v)
        store_lanes(chain[v], out + v * kLanes * out_size, out_type, static_cast<int>(least(kLanes, n - v * kLanes)));
    }
    next_pixel(d.gather, pixel);
  }
  if (p.has_epilogue()) run_epilogue(args, m, sums, 0, c);
}

// rows are taps, cols channels, depth pixels; each chunk is one group of pixels, added by the second launch.
template <class T>
void depthwise_weight(const KernelArgs* args, int64_t chunk) {
  const ConvDesc& d = *static_cast<const ConvDesc*>(args->desc);
  const MatmulDesc& m = d.product;
  const MatmulProblem& p = m.problem;
  const MatmulChunk c = chunk_of(m, chunk);
  const int64_t left_size = element_size<T>(p.left_type), right_size = element_size<T>(p.right_type);
  constexpr int64_t kWidth = kDepthwiseVectors * Register<T>::kLanes;
  constexpr int kLanes = Register<T>::kLanes;
  int64_t* offsets = reinterpret_cast<int64_t*>(args->scratch);
  const int64_t k_end = least((c.group + 1) * kGroupDepth, p.depth);
  T* sums = group_sums<T>(p, args->data[p.workspace_at], c.group, 0);
  for (int64_t k = c.group * kGroupDepth; k < k_end; k += kBlockDepth) {
    const int64_t depth = least(kBlockDepth, k_end - k);
    GatherPixel pixel = pixel_of(d.gather, k);
    for (int64_t i = 0; i < depth; ++i, next_pixel(d.gather, pixel))
      gather_offsets(d.gather, pixel, left_size, offsets + i, kBlockDepth);
    for (int64_t col = c.col; col < c.col + c.cols; col += kWidth) {
      const int n = static_cast<int>(least(kWidth, c.col + c.cols - col));
      const char* right = args->data[p.right_at] + (k * p.right_k + col) * right_size;
      for (int64_t tap = 0; tap < p.rows; ++tap) {
        Register<T> chain[kDepthwiseVectors];
        depthwise_chain(args->data[p.left_at] + col * left_size, p.left_type, offsets + tap * kBlockDepth, right,
                        p.right_type, p.right_k * right_size, depth, n, chain);
        T* sum = sums + tap * p.cols + col;
        for (int v = 0; v * kLanes < n; ++v) {
          const int lanes = static_cast<int>(least(kLanes, n - v * kLanes));
          T* at = sum + v * kLanes;
          const bool first = k % kGroupDepth == 0;
          (first ? chain[v] : Register<T>::load_first(at, lanes) + chain[v]).store_first(at, lanes);
        }
      }
    }
  }
}

}  // namespace PT_ISA
}  // namespace pt
