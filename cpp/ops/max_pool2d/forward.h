// The maximum of windows and which element won, for the pooling itself and for products whose finished pixels go
// through it before they are stored.
#pragma once
#include "ops/max_pool2d/window.h"

namespace pt {
namespace PT_ISA {

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
  n >= kPoolLanes ? __builtin_memcpy(p, bytes, kPoolLanes) : __builtin_memcpy(p, bytes, n);
}

// kGroups times 16 channels, side by side: a comparison waits for the one before, so one group alone would leave the
// processor idle. The window's first element is at x; only the rows and columns of the ranges exist.
template <class T, int kGroups>
PT_FN void pool_window(const PoolDesc& d, const T* x, PoolRange rows, PoolRange cols, T* y, uint8_t* index, int64_t n) {
  using V = typename Channels<T>::vector;
  using I = element_of<Positions<V>>;
  V best[kGroups];
  Positions<V> winner[kGroups];
  for (int g = 0; g < kGroups; ++g) {
    // If nothing exceeds minus infinity, all are, and the first is the winner.
    best[g] = V(-__builtin_inff());
    winner[g] = Positions<V>(static_cast<I>(rows.begin * d.window_w + cols.begin));
  }
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    const T* at = x + (i * d.dilation_h * d.width + cols.begin * d.dilation_w) * d.pixel;
    for (int64_t j = cols.begin; j < cols.end; ++j, at += d.dilation_w * d.pixel) {
      const Positions<V> here(static_cast<I>(i * d.window_w + j));
      PT_UNROLL for (int g = 0; g < kGroups; ++g) {
        const V value = Channels<T>::load(at + g * kPoolLanes, n - g * kPoolLanes);
        // A NaN wins over a number, and then nothing does.
        const auto wins = (!(value <= best[g])) & (best[g] == best[g]);
        best[g] = select(wins, value, best[g]);
        winner[g] = select(wins, here, winner[g]);
      }
    }
  }
  for (int g = 0; g < kGroups; ++g) {
    Channels<T>::save(y + g * kPoolLanes, best[g], n - g * kPoolLanes);
    save_positions<V>(index + g * kPoolLanes, winner[g], n - g * kPoolLanes);
  }
}

// One row of windows. `image` is the input's first element; of each pixel of y and of the index, n channels are
// written.
template <class T>
inline void pool_row(const PoolDesc& d, const T* image, int64_t oh, T* y, uint8_t* index, int64_t n) {
  const int64_t top = oh * d.stride_h - d.pad_top;
  const PoolRange rows = inside_window(oh, d.stride_h, d.pad_top, d.window_h, d.height, d.dilation_h);
  for (int64_t ow = 0; ow < d.out_width; ++ow, y += d.channels, index += d.channels) {
    const int64_t left = ow * d.stride_w - d.pad_left;
    const PoolRange cols = inside_window(ow, d.stride_w, d.pad_left, d.window_w, d.width, d.dilation_w);
    const T* x = image + (top * d.width + left) * d.pixel;
    int64_t c = 0;
    for (; c + 2 * kPoolLanes <= n; c += 2 * kPoolLanes) {
      pool_window<T, 2>(d, x + c, rows, cols, y + c, index + c, 2 * kPoolLanes);
    }
    for (; c < n; c += kPoolLanes) pool_window<T, 1>(d, x + c, rows, cols, y + c, index + c, n - c);
  }
}

}  // namespace PT_ISA
}  // namespace pt
