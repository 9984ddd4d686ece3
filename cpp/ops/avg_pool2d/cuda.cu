// The mean of each window; backward every input adds up what the windows over it pass on, so that each is written once.
#include "cuda/kernel.h"
#include "ops/max_pool2d/cuda_window.h"

namespace pt::cuda {
namespace {

// Of the window at `out`, how much lies inside of the padded input.
PT_DEVICE int64_t padded_window(int64_t out, int64_t stride, int64_t pad, int64_t window, int64_t size) {
  return pool_least(size + 2 * pad - out * stride, window);
}

// Of the window at (row, col), of which these rows and columns lie inside of the input.
PT_DEVICE int64_t divisor_of(const PoolDesc& d, int64_t row, int64_t col, PoolRange rows, PoolRange cols) {
  if (!d.count_padding) return (rows.end - rows.begin) * (cols.end - cols.begin);
  if (!d.ceil) return d.window_h * d.window_w;
  return padded_window(row, d.stride_h, d.pad_top, d.window_h, d.height) *
         padded_window(col, d.stride_w, d.pad_left, d.window_w, d.width);
}

template <class S>
PT_DEVICE void avg_pool(const Operands<2>& operands, const PoolProblem& p) {
  using T = typename S::value;
  const PoolDesc& d = p.pool;
  for (int64_t i = global_thread(); i < p.elements; i += global_threads()) {
    const PoolElement at = pool_element(p, i);
    const PoolRange rows = rows_inside(d, at.row), cols = cols_inside(d, at.col);
    const int64_t top = at.row * d.stride_h - d.pad_top, left = at.col * d.stride_w - d.pad_left;
    T sum = 0;
    for (int64_t y = rows.begin; y < rows.end; ++y)
      for (int64_t x = cols.begin; x < cols.end; ++x)
        sum = sum + load_float<T>(operands.at[0], image_at(d, at.image, top + y, left + x, at.channel), S::type);
    store_float(operands.at[1], i, S::type, sum / T(divisor_of(d, at.row, at.col, rows, cols)));
  }
}

template <class S>
PT_DEVICE void avg_pool_backward(const Operands<2>& operands, const PoolProblem& p) {
  using T = typename S::value;
  const PoolDesc& d = p.pool;
  for (int64_t i = global_thread(); i < p.elements; i += global_threads()) {
    const PoolElement at = pool_element(p, i);
    const PoolRange rows = rows_over(d, at.row), cols = cols_over(d, at.col);
    T sum = 0;
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const PoolRange inside_rows = rows_inside(d, row);
      for (int64_t col = cols.begin; col < cols.end; ++col) {
        const T size = T(divisor_of(d, row, col, inside_rows, cols_inside(d, col)));
        sum = sum + load_float<T>(operands.at[0], result_at(d, at.image, row, col, at.channel), S::type) / size;
      }
    }
    store_float(operands.at[1], i, S::type, sum);
  }
}

}  // namespace
}  // namespace pt::cuda

PT_POOL_KERNELS(avg_pool2d, 2, avg_pool)
PT_POOL_KERNELS(avg_pool2d_backward, 2, avg_pool_backward)
