// Channels are the lanes; the winner of 16 of them stays in registers over its window. The backward reads: every input
// asks the windows over it whether it won, so each is written once, without zero-fill or scatter.
#include "core/kernel.h"
#include "ops/max_pool2d/window.h"

namespace pt {
namespace PT_ISA {
namespace {

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// The lanes of the winning positions are as wide as those of the values, so that one mask selects both.
template <class V>
using Positions = vec<typename lane_of<sizeof(element_of<V>)>::type, kPoolLanes>;

template <class V>
PT_FN void save_positions(uint8_t* p, Positions<V> positions, int64_t n) {
  using I = element_of<Positions<V>>;
  I wide[kPoolLanes];
  store(wide, positions);
  uint8_t bytes[kPoolLanes];
  for (int i = 0; i < kPoolLanes; ++i) bytes[i] = static_cast<uint8_t>(wide[i]);
  __builtin_memcpy(p, bytes, least(n, kPoolLanes));
}

// The window's first element is at x; only the rows and columns of the ranges exist.
template <class T>
PT_FN void pool_window(const PoolDesc& d, const T* x, PoolRange rows, PoolRange cols, T* y, uint8_t* index, int64_t n) {
  using V = typename Channels<T>::vector;
  using I = element_of<Positions<V>>;
  V best(-__builtin_inff());
  Positions<V> winner(I(0));
  bool first = true;
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    for (int64_t j = cols.begin; j < cols.end; ++j) {
      const V value = Channels<T>::load(x + (i * d.width + j) * d.channels, n);
      const Positions<V> here(static_cast<I>(i * d.window_w + j));
      // Not "value > best": a NaN wins over a number, and then nothing does.
      const auto wins = ((value > best) | (value != value)) & (best == best);
      best = first ? value : select(wins, value, best);
      winner = first ? here : select(wins, here, winner);
      first = false;
    }
  }
  Channels<T>::save(y, best, n);
  save_positions<V>(index, winner, n);
}

template <class T>
void max_pool(const KernelArgs* args, int64_t chunk) {
  const PoolDesc& d = *static_cast<const PoolDesc*>(args->desc);
  const int64_t last = least((chunk + 1) * d.chunk, d.rows);
  for (int64_t row = chunk * d.chunk; row < last; ++row) {
    const int64_t image = row / d.out_height, oh = row % d.out_height;
    const int64_t top = oh * d.stride_h - d.pad_top;
    const PoolRange rows = inside_window(oh, d.stride_h, d.pad_top, d.window_h, d.height);
    for (int64_t ow = 0; ow < d.out_width; ++ow) {
      const int64_t left = ow * d.stride_w - d.pad_left;
      const PoolRange cols = inside_window(ow, d.stride_w, d.pad_left, d.window_w, d.width);
      const int64_t from = ((image * d.height + top) * d.width + left) * d.channels;
      const int64_t to = (row * d.out_width + ow) * d.channels;
      for (int64_t c = 0; c < d.channels; c += kPoolLanes) {
        pool_window(d, reinterpret_cast<const T*>(args->data[0]) + from + c, rows, cols,
                    reinterpret_cast<T*>(args->data[1]) + to + c, reinterpret_cast<uint8_t*>(args->data[2]) + to + c,
                    d.channels - c);
      }
    }
  }
}

// dy where the winner's position is this one, else 0.
template <class T>
PT_FN typename Channels<T>::vector passed_on(const T* dy, const uint8_t* index, int64_t position, int64_t n) {
  using V = typename Channels<T>::vector;
  uint8_t differs[kPoolLanes] = {};
  if (n >= kPoolLanes) {
    for (int i = 0; i < kPoolLanes; ++i) differs[i] = static_cast<uint8_t>(index[i] ^ position);
  } else {
    for (int i = 0; i < n; ++i) differs[i] = static_cast<uint8_t>(index[i] ^ position);
  }
  return select(mask_of<V>::load(differs), V(0), Channels<T>::load(dy, n));
}

// One row of inputs: for each, what the windows over it pass on.
template <class T>
void unpool_row(const PoolDesc& d, const PoolRange* col_windows, int64_t h, const T* dy, const uint8_t* index, T* dx) {
  using V = typename Channels<T>::vector;
  const PoolRange rows = windows_over(h, d.stride_h, d.pad_top, d.window_h, d.out_height);
  for (int64_t w = 0; w < d.width; ++w) {
    const PoolRange cols = col_windows[w];
    for (int64_t c = 0; c < d.channels; c += kPoolLanes) {
      const int64_t n = d.channels - c;
      V sum(0);
      bool first = true;
      for (int64_t oh = rows.begin; oh < rows.end; ++oh) {
        const int64_t row_position = (h - oh * d.stride_h + d.pad_top) * d.window_w;
        for (int64_t ow = cols.begin; ow < cols.end; ++ow) {
          const int64_t at = (oh * d.out_width + ow) * d.channels + c;
          const V passed = passed_on(dy + at, index + at, row_position + w - ow * d.stride_w + d.pad_left, n);
          sum = first ? passed : sum + passed;
          first = false;
        }
      }
      Channels<T>::save(dx + w * d.channels + c, sum, n);
    }
  }
}

template <class T>
void max_pool_backward(const KernelArgs* args, int64_t chunk) {
  const PoolDesc& d = *static_cast<const PoolDesc*>(args->desc);
  PoolRange* col_windows = reinterpret_cast<PoolRange*>(args->scratch);
  find_windows_of_columns(d, col_windows);
  const int64_t last = least((chunk + 1) * d.chunk, d.rows);
  for (int64_t row = chunk * d.chunk; row < last; ++row) {
    const int64_t image = row / d.height, from = image * d.out_height * d.out_width * d.channels;
    unpool_row(d, col_windows, row % d.height, reinterpret_cast<const T*>(args->data[0]) + from,
               reinterpret_cast<const uint8_t*>(args->data[1]) + from,
               reinterpret_cast<T*>(args->data[2]) + row * d.width * d.channels);
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

#define PT_BOTH(T) pt::PT_ISA::max_pool<T>, pt::PT_ISA::max_pool_backward<T>
PT_KERNELS(max_pool2d, PT_BOTH(float), PT_BOTH(double), PT_BOTH(pt::PT_ISA::f16), PT_BOTH(pt::PT_ISA::bf16));
