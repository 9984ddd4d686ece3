// The largest element of each window, and which it is; backward every input asks the windows over it whether it won, so
// that each is written once.
#include "cuda/kernel.h"
#include "ops/max_pool2d/cuda_window.h"

namespace pt::cuda {
namespace {

template <class S>
PT_DEVICE void max_pool(const Operands<3>& operands, const PoolProblem& p) {
  using T = typename S::value;
  const PoolDesc& d = p.pool;
  for (int64_t i = global_thread(); i < p.elements; i += global_threads()) {
    const PoolElement at = pool_element(p, i);
    const PoolRange rows = rows_inside(d, at.row), cols = cols_inside(d, at.col);
    const int64_t top = at.row * d.stride_h - d.pad_top, left = at.col * d.stride_w - d.pad_left;
    // If nothing exceeds minus infinity, all are, and the first is the winner.
    T best = -T(INFINITY);
    int64_t winner = rows.begin * d.window_w + cols.begin;
    for (int64_t y = rows.begin; y < rows.end; ++y) {
      for (int64_t x = cols.begin; x < cols.end; ++x) {
        const int64_t from = image_at(d, at.image, top + y * d.dilation_h, left + x * d.dilation_w, at.channel);
        const T value = load_float<T>(operands.at[0], from, S::type);
        // A NaN wins over a number, and then nothing does.
        if (!(value <= best) && best == best) {
          best = value;
          winner = y * d.window_w + x;
        }
      }
    }
    store_float(operands.at[1], i, S::type, best);
    reinterpret_cast<uint8_t*>(operands.at[2])[i] = uint8_t(winner);
  }
}

// The element of a dilated window at this distance from its first; -1 where it passes over it.
PT_DEVICE int64_t element_at(int64_t distance, int64_t dilation) {
  return distance % dilation == 0 ? distance / dilation : -1;
}

template <class S>
PT_DEVICE void max_pool_backward(const Operands<3>& operands, const PoolProblem& p) {
  using T = typename S::value;
  const PoolDesc& d = p.pool;
  const uint8_t* index = reinterpret_cast<const uint8_t*>(operands.at[1]);
  for (int64_t i = global_thread(); i < p.elements; i += global_threads()) {
    const PoolElement at = pool_element(p, i);
    const PoolRange rows = rows_over(d, at.row), cols = cols_over(d, at.col);
    T sum = 0;
    bool any = false;  // -0 alone stays so
    for (int64_t out_row = rows.begin; out_row < rows.end; ++out_row) {
      const int64_t y = element_at(at.row - out_row * d.stride_h + d.pad_top, d.dilation_h);
      for (int64_t out_col = cols.begin; y >= 0 && out_col < cols.end; ++out_col) {
        const int64_t x = element_at(at.col - out_col * d.stride_w + d.pad_left, d.dilation_w);
        if (x < 0) continue;
        const int64_t from = result_at(d, at.image, out_row, out_col, at.channel);
        const T passed = index[from] == y * d.window_w + x ? load_float<T>(operands.at[0], from, S::type) : T(0);
        sum = any ? sum + passed : passed;
        any = true;
      }
    }
    store_float(operands.at[2], i, S::type, sum);
  }
}

}  // namespace
}  // namespace pt::cuda

PT_POOL_KERNELS(max_pool2d, 3, max_pool)
PT_POOL_KERNELS(max_pool2d_backward, 3, max_pool_backward)
