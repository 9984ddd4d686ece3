// What the kernels of both poolings share: vectors of channels by dtype, and which windows hold which inputs.
#pragma once
#include "ops/max_pool2d/desc.h"
#include "simd/vec.h"

namespace pt {
namespace PT_ISA {

inline constexpr int64_t kPoolLanes = 16;

// 16 channels of a stored dtype, of which the first n exist.
template <class T>
struct Channels {
  using vector = vec<T, kPoolLanes>;
  static PT_FN vector load(const T* p, int64_t n) { return n >= kPoolLanes ? vector::load(p) : vector::load_n(p, n); }
  static PT_FN void save(T* p, vector v, int64_t n) { n >= kPoolLanes ? store(p, v) : store_n(p, v, n); }
};
template <class Half>
struct HalfChannels {
  using vector = f32x16;
  static PT_FN vector load(const Half* p, int64_t n) {
    if (n >= kPoolLanes) return load_half<Half, kPoolLanes>(p);
    Half part[kPoolLanes] = {};
    __builtin_memcpy(part, p, n * sizeof(Half));
    return load_half<Half, kPoolLanes>(part);
  }
  static PT_FN void save(Half* p, vector v, int64_t n) {
    if (n >= kPoolLanes) return store_half(p, v);
    Half part[kPoolLanes];
    store_half(part, v);
    __builtin_memcpy(p, part, n * sizeof(Half));
  }
};
template <>
struct Channels<f16> : HalfChannels<f16> {};
template <>
struct Channels<bf16> : HalfChannels<bf16> {};

struct PoolRange {
  int64_t begin, end;
};

inline int64_t pool_floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// How many elements so far apart lie within a length.
inline int64_t pool_elements(int64_t length, int64_t dilation) {
  return dilation == 1 ? length : (length + dilation - 1) / dilation;
}

// Of the window at `out`, the elements that lie inside of an input of that size.
inline PoolRange inside_window(int64_t out, int64_t stride, int64_t pad, int64_t window, int64_t size,
                               int64_t dilation = 1) {
  const int64_t first = out * stride - pad, inside = pool_elements(size - first, dilation);
  return {first < 0 ? pool_elements(-first, dilation) : 0, inside < window ? inside : window};
}

// Of the window at `out`, how much lies inside of the padded input.
inline int64_t padded_window(int64_t out, int64_t stride, int64_t pad, int64_t window, int64_t size) {
  const int64_t rest = size + 2 * pad - out * stride;
  return rest < window ? rest : window;
}

// The windows that reach over the input at `in`; those that are dilated may pass over it.
inline PoolRange windows_over(int64_t in, int64_t stride, int64_t pad, int64_t window, int64_t windows,
                              int64_t dilation = 1) {
  const int64_t span = dilation * (window - 1) + 1;
  const int64_t begin = pool_floor_div(in + pad - span, stride) + 1, end = (in + pad) / stride + 1;
  return {begin < 0 ? 0 : begin, end < windows ? end : windows};
}

// windows_over for each column of the input, once per chunk: a row of short channels would be all divisions.
inline void find_windows_of_columns(const PoolDesc& d, PoolRange* windows) {
  for (int64_t w = 0; w < d.width; ++w) {
    windows[w] = windows_over(w, d.stride_w, d.pad_left, d.window_w, d.out_width, d.dilation_w);
  }
}

}  // namespace PT_ISA
}  // namespace pt
