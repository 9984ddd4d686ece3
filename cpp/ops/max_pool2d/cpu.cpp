// Channels are the lanes; the winner of 16 of them stays in registers over its window. The backward reads: every input
// asks the windows over it whether it won, so each is written once, without zero-fill or scatter.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/max_pool2d/window.h"

namespace pt {
namespace PT_ISA {
namespace {

// Memory that is written and nowhere near is fetched first; by itself a processor waits for each line in turn.
constexpr int64_t kWriteAhead = 2048;  // bytes

// A window has at most this many elements, so no more windows hold one input.
constexpr int kMostClaims = 256;

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
    const T* at = x + (i * d.dilation_h * d.width + cols.begin * d.dilation_w) * d.channels;
    for (int64_t j = cols.begin; j < cols.end; ++j, at += d.dilation_w * d.channels) {
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

// One row of windows. `image` is the input's first element.
template <class T>
inline void pool_row(const PoolDesc& d, const T* image, int64_t oh, T* y, uint8_t* index) {
  const int64_t n = d.channels;
  const int64_t top = oh * d.stride_h - d.pad_top;
  const PoolRange rows = inside_window(oh, d.stride_h, d.pad_top, d.window_h, d.height, d.dilation_h);
  for (int64_t ow = 0; ow < d.out_width; ++ow, y += d.channels, index += d.channels) {
    const int64_t left = ow * d.stride_w - d.pad_left;
    const PoolRange cols = inside_window(ow, d.stride_w, d.pad_left, d.window_w, d.width, d.dilation_w);
    const T* x = image + (top * d.width + left) * d.channels;
    int64_t c = 0;
    for (; c + 2 * kPoolLanes <= n; c += 2 * kPoolLanes) {
      pool_window<T, 2>(d, x + c, rows, cols, y + c, index + c, 2 * kPoolLanes);
    }
    for (; c < n; c += kPoolLanes) pool_window<T, 1>(d, x + c, rows, cols, y + c, index + c, n - c);
  }
}

template <class T>
void max_pool(const KernelArgs* args, int64_t chunk) {
  const PoolDesc& d = *static_cast<const PoolDesc*>(args->desc);
  const int64_t last = least((chunk + 1) * d.chunk, d.rows);
  for (int64_t row = chunk * d.chunk; row < last; ++row) {
    const int64_t image = row / d.out_height, to = row * d.out_width * d.channels;
    const T* x = reinterpret_cast<const T*>(args->data[0]) + image * d.height * d.width * d.channels;
    pool_row(d, x, row % d.out_height, reinterpret_cast<T*>(args->data[1]) + to,
             reinterpret_cast<uint8_t*>(args->data[2]) + to);
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

// A window over an input: where its channels begin, and the position that the input has in it.
struct Claim {
  int64_t at;
  int64_t position;
};

// The element of a dilated window at this distance from its first; false where it passes over it.
inline bool element_at(int64_t& distance, int64_t dilation) {
  if (dilation == 1) return true;
  const bool seen = distance % dilation == 0;
  distance /= dilation;
  return seen;
}

// The windows over the input at (h, w), in row-major order.
inline int64_t find_claims(const PoolDesc& d, PoolRange rows, PoolRange cols, int64_t h, int64_t w, Claim* claims) {
  int64_t n = 0;
  for (int64_t oh = rows.begin; oh < rows.end; ++oh) {
    int64_t row = h - oh * d.stride_h + d.pad_top;
    if (!element_at(row, d.dilation_h)) continue;
    for (int64_t ow = cols.begin; ow < cols.end; ++ow) {
      int64_t column = w - ow * d.stride_w + d.pad_left;
      if (element_at(column, d.dilation_w)) {
        claims[n++] = {(oh * d.out_width + ow) * d.channels, row * d.window_w + column};
      }
    }
  }
  return n;
}

template <class T>
PT_FN void unpool_channels(const Claim* claims, int64_t n_claims, const T* dy, const uint8_t* index, T* dx, int64_t n) {
  using V = typename Channels<T>::vector;
  V sum(0);
  if (n_claims > 0) sum = passed_on(dy + claims[0].at, index + claims[0].at, claims[0].position, n);
  for (int64_t k = 1; k < n_claims; ++k) {
    sum = sum + passed_on(dy + claims[k].at, index + claims[k].at, claims[k].position, n);
  }
  Channels<T>::save(dx, sum, n);
}

// One row of inputs: for each, what the windows over it pass on.
template <class T>
void unpool_row(const PoolDesc& d, const PoolRange* col_windows, int64_t h, const T* dy, const uint8_t* index, T* dx) {
  const PoolRange rows = windows_over(h, d.stride_h, d.pad_top, d.window_h, d.out_height, d.dilation_h);
  Claim claims[kMostClaims];
  for (int64_t w = 0; w < d.width; ++w, dx += d.channels) {
    const int64_t n = find_claims(d, rows, col_windows[w], h, w, claims);
    int64_t c = 0;
    for (; c + kPoolLanes <= d.channels; c += kPoolLanes)
      unpool_channels(claims, n, dy + c, index + c, dx + c, kPoolLanes);
    if (c < d.channels) unpool_channels(claims, n, dy + c, index + c, dx + c, d.channels - c);
  }
}

template <class V>
PT_FN Positions<V> load_positions(const uint8_t* p, int64_t n) {
  using I = element_of<Positions<V>>;
  I wide[kPoolLanes] = {};
  if (n >= kPoolLanes) {
    for (int i = 0; i < kPoolLanes; ++i) wide[i] = static_cast<I>(p[i]);
  } else {
    for (int i = 0; i < n; ++i) wide[i] = static_cast<I>(p[i]);
  }
  return Positions<V>::load(wide);
}

// Columns [begin, end) of one row of a window, `first` being the position of column 0: what was read of the window
// serves all of them. dx is where column 0 would be.
template <class T>
PT_FN void unpool_window(const PoolDesc& d, const T* dy, const uint8_t* index, int64_t first, PoolRange cols, T* dx) {
  using V = typename Channels<T>::vector;
  using I = element_of<Positions<V>>;
  for (int64_t c = 0; c < d.channels; c += kPoolLanes) {
    const int64_t n = d.channels - c;
    const V passed = Channels<T>::load(dy + c, n);
    const Positions<V> winner = load_positions<V>(index + c, n);
    for (int64_t j = cols.begin; j < cols.end; ++j) {
      const auto wins = winner == Positions<V>(static_cast<I>(first + j));
      __builtin_prefetch(dx + j * d.channels + c + kWriteAhead / sizeof(T), 1);
      Channels<T>::save(dx + j * d.channels + c, select(wins, passed, V(0)), n);
    }
  }
}

// The same of windows that do not overlap and are not dilated: each input is in one window at most.
bool disjoint(const PoolDesc& d) {
  return d.stride_h >= d.window_h && d.stride_w >= d.window_w && d.dilation_h == 1 && d.dilation_w == 1;
}
template <class T>
void unpool_disjoint_row(const PoolDesc& d, int64_t h, const T* dy, const uint8_t* index, T* dx) {
  const PoolRange rows = windows_over(h, d.stride_h, d.pad_top, d.window_h, d.out_height);
  int64_t done = 0;  // inputs
  const auto fill_to = [&](int64_t w) {
    if (w > done) __builtin_memset(dx + done * d.channels, 0, (w - done) * d.channels * sizeof(T));
  };
  for (int64_t ow = 0; rows.begin < rows.end && ow < d.out_width; ++ow) {
    const int64_t left = ow * d.stride_w - d.pad_left, window = (rows.begin * d.out_width + ow) * d.channels;
    const PoolRange cols = inside_window(ow, d.stride_w, d.pad_left, d.window_w, d.width);
    if (cols.begin >= cols.end) continue;
    fill_to(left + cols.begin);
    const int64_t first = (h - rows.begin * d.stride_h + d.pad_top) * d.window_w;
    unpool_window(d, dy + window, index + window, first, cols, dx + left * d.channels);
    done = left + cols.end;
  }
  fill_to(d.width);
}

template <class T>
void max_pool_backward(const KernelArgs* args, int64_t chunk) {
  const PoolDesc& d = *static_cast<const PoolDesc*>(args->desc);
  PoolRange* col_windows = reinterpret_cast<PoolRange*>(args->scratch);
  find_windows_of_columns(d, col_windows);
  const int64_t last = least((chunk + 1) * d.chunk, d.rows);
  for (int64_t row = chunk * d.chunk; row < last; ++row) {
    const int64_t image = row / d.height, from = image * d.out_height * d.out_width * d.channels;
    const T* dy = reinterpret_cast<const T*>(args->data[0]) + from;
    const uint8_t* index = reinterpret_cast<const uint8_t*>(args->data[1]) + from;
    T* dx = reinterpret_cast<T*>(args->data[2]) + row * d.width * d.channels;
    disjoint(d) ? unpool_disjoint_row(d, row % d.height, dy, index, dx)
                : unpool_row(d, col_windows, row % d.height, dy, index, dx);
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

#define PT_BOTH(T) pt::PT_ISA::max_pool<T>, pt::PT_ISA::max_pool_backward<T>
PT_KERNELS(max_pool2d, PT_BOTH(float), PT_BOTH(double), PT_BOTH(pt::PT_ISA::f16), PT_BOTH(pt::PT_ISA::bf16));
