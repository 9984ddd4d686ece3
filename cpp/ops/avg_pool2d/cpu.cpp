// Channels are the lanes. The backward reads: every input adds up what the windows over it pass on, so each is written
// once.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/max_pool2d/window.h"

namespace pt {
namespace PT_ISA {
namespace {

// Of the window at (oh, ow), of which these rows and columns lie inside of the input.
inline int64_t divisor(const PoolDesc& d, int64_t oh, int64_t ow, PoolRange rows, PoolRange cols) {
  if (!d.count_padding) return (rows.end - rows.begin) * (cols.end - cols.begin);
  if (!d.ceil) return d.window_h * d.window_w;
  return padded_window(oh, d.stride_h, d.pad_top, d.window_h, d.height) *
         padded_window(ow, d.stride_w, d.pad_left, d.window_w, d.width);
}

template <class T>
void avg_pool(const KernelArgs* args, int64_t chunk) {
  using V = typename Channels<T>::vector;
  const PoolDesc& d = *static_cast<const PoolDesc*>(args->desc);
  const int64_t last = least((chunk + 1) * d.chunk, d.rows);
  for (int64_t row = chunk * d.chunk; row < last; ++row) {
    const int64_t image = row / d.out_height, oh = row % d.out_height;
    const PoolRange rows = inside_window(oh, d.stride_h, d.pad_top, d.window_h, d.height);
    for (int64_t ow = 0; ow < d.out_width; ++ow) {
      const PoolRange cols = inside_window(ow, d.stride_w, d.pad_left, d.window_w, d.width);
      const int64_t top = image * d.height + oh * d.stride_h - d.pad_top, left = ow * d.stride_w - d.pad_left;
      const T* x = reinterpret_cast<const T*>(args->data[0]) + (top * d.width + left) * d.channels;
      T* y = reinterpret_cast<T*>(args->data[1]) + (row * d.out_width + ow) * d.channels;
      const V size(static_cast<element_of<V>>(divisor(d, oh, ow, rows, cols)));
      for (int64_t c = 0; c < d.channels; c += kPoolLanes) {
        V sum(0);
        for (int64_t i = rows.begin; i < rows.end; ++i) {
          for (int64_t j = cols.begin; j < cols.end; ++j) {
            sum = sum + Channels<T>::load(x + (i * d.width + j) * d.channels + c, d.channels - c);
          }
        }
        Channels<T>::save(y + c, sum / size, d.channels - c);
      }
    }
  }
}

template <class T>
PT_FN typename Channels<T>::vector spread_to_input(const PoolDesc& d, const T* dy, PoolRange rows, PoolRange cols,
                                                   int64_t n) {
  using V = typename Channels<T>::vector;
  V sum(0);
  for (int64_t oh = rows.begin; oh < rows.end; ++oh) {
    const PoolRange inside_rows = inside_window(oh, d.stride_h, d.pad_top, d.window_h, d.height);
    for (int64_t ow = cols.begin; ow < cols.end; ++ow) {
      const PoolRange inside_cols = inside_window(ow, d.stride_w, d.pad_left, d.window_w, d.width);
      const V size(static_cast<element_of<V>>(divisor(d, oh, ow, inside_rows, inside_cols)));
      sum = sum + Channels<T>::load(dy + (oh * d.out_width + ow) * d.channels, n) / size;
    }
  }
  return sum;
}

template <class T>
void avg_pool_backward(const KernelArgs* args, int64_t chunk) {
  const PoolDesc& d = *static_cast<const PoolDesc*>(args->desc);
  PoolRange* col_windows = reinterpret_cast<PoolRange*>(args->scratch);
  find_windows_of_columns(d, col_windows);
  const int64_t last = least((chunk + 1) * d.chunk, d.rows);
  for (int64_t row = chunk * d.chunk; row < last; ++row) {
    const int64_t image = row / d.height;
    const PoolRange rows = windows_over(row % d.height, d.stride_h, d.pad_top, d.window_h, d.out_height);
    const T* dy = reinterpret_cast<const T*>(args->data[0]) + image * d.out_height * d.out_width * d.channels;
    for (int64_t w = 0; w < d.width; ++w) {
      const PoolRange cols = col_windows[w];
      T* dx = reinterpret_cast<T*>(args->data[1]) + (row * d.width + w) * d.channels;
      for (int64_t c = 0; c < d.channels; c += kPoolLanes) {
        Channels<T>::save(dx + c, spread_to_input(d, dy + c, rows, cols, d.channels - c), d.channels - c);
      }
    }
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

#define PT_BOTH(T) pt::PT_ISA::avg_pool<T>, pt::PT_ISA::avg_pool_backward<T>
PT_KERNELS(avg_pool2d, PT_BOTH(float), PT_BOTH(double), PT_BOTH(pt::PT_ISA::f16), PT_BOTH(pt::PT_ISA::bf16));
