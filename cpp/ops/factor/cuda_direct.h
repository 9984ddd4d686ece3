// Factorisations and solves with a known number of steps, by a block for each matrix. Elements are combined in the
// CPU's order (cpu_direct.h), each by one thread, so the bits are the CPU's. All begin and end where the work is
// nobody's.
#pragma once
#include "ops/factor/cuda_block.h"

namespace pt::cuda {

template <class E>
PT_DEVICE void cholesky(const FactorDesc& d, const char* in, char* out, E* a) {
  const int64_t n = d.columns;
  load_hermitian(d, in, a);
  __syncthreads();
  for (int64_t j = 0; j < n; ++j) {
    const double head = real_of(a[j * n + j]), pivot = head > 0 ? root(head) : not_a_number();
    by_threads(j + 1, n, [=](int64_t i) { a[i * n + j] /= pivot; });
    __syncthreads();
    by_warps(j + 1, n, [=](int64_t i) {
      const E by = -a[i * n + j];
      by_lanes(j + 1, i + 1, [=](int64_t c) { a[i * n + c] += by * conjugate(a[c * n + j]); });
    });
    if (threadIdx.x == 0) a[j * n + j] = E{pivot};
    __syncthreads();
  }
  const bool wide = d.wide, upper = d.upper;
  by_warps(0, n, [=](int64_t i) {
    by_lanes(0, n, [=](int64_t j) {
      const E value = j > i ? E{0} : a[i * n + j];
      put(out, wide, upper ? j * n + i : i * n + j, upper ? conjugate(value) : value);
    });
  });
}

// Each solved row is taken off those that wait for it.
template <class E>
PT_DEVICE void triangular_solve(const FactorDesc& d, const char* a, const char* right, char* out, E* x) {
  const int64_t n = d.columns, k = d.right;
  const bool forward = d.upper == d.transposed, wide = d.wide, transposed = d.transposed;
  load(right, wide, n * k, x);
  __syncthreads();
  for (int64_t step = 0; step < n; ++step) {
    const int64_t i = forward ? step : n - 1 - step;
    if (!d.unit) {
      const E pivot = element<E>(a, wide, i * n + i);
      by_threads(0, k, [=](int64_t c) { x[i * k + c] /= pivot; });
      __syncthreads();
    }
    by_threads(0, (n - 1 - step) * k, [=](int64_t number) {
      const int64_t behind = step + 1 + number / k, c = number % k, j = forward ? behind : n - 1 - behind;
      x[j * k + c] += -element<E>(a, wide, transposed ? i * n + j : j * n + i) * x[i * k + c];
    });
    __syncthreads();
  }
  store(out, wide, n * k, x);
}

// The place of the first of the largest elements of column j, from row j on. A warp's.
template <class E>
PT_DEVICE int64_t pivot_of(const E* a, int64_t n, int64_t j) {
  double largest = -1;
  int64_t at = j;
  const auto take = [&](double size, int64_t i) {
    if (size > largest || (size == largest && i < at)) largest = size, at = i;
  };
  by_lanes(j, n, [&](int64_t i) { take(pivot_size(a[i * n + j]), i); });
  for (int apart = kWarp / 2; apart > 0; apart /= 2) {
    const double size = __shfl_xor_sync(0xffffffffu, largest, apart);
    const int64_t i = __shfl_xor_sync(0xffffffffu, at, apart);
    take(size, i);
  }
  // Nothing is larger than a NaN that comes first.
  const double first = pivot_size(a[j * n + j]);
  return first == first ? at : j;
}

template <class E>
PT_DEVICE void lu(const FactorDesc& d, const char* in, char* out, int64_t* order, char* sign_out, E* a) {
  const int64_t n = d.columns;
  load(in, d.wide, n * n, a);
  by_threads(0, n, [=](int64_t i) { order[i] = i; });
  double sign = 1;
  for (int64_t j = 0; j < n; ++j) {
    __syncthreads();
    const int64_t pivot = pivot_of(a, n, j);
    __syncthreads();
    if (pivot != j) {
      by_threads(0, n, [=](int64_t c) {
        const E held = a[j * n + c];
        a[j * n + c] = a[pivot * n + c];
        a[pivot * n + c] = held;
      });
      if (threadIdx.x == 0) {
        const int64_t held = order[j];
        order[j] = order[pivot];
        order[pivot] = held;
      }
      sign = -sign;
      __syncthreads();
    }
    const E head = a[j * n + j];
    if (head == 0) continue;
    by_warps(j + 1, n, [=](int64_t i) {
      const E factor = a[i * n + j] / head;
      __syncwarp();
      if (threadIdx.x % kWarp == 0) a[i * n + j] = factor;
      by_lanes(j + 1, n, [=](int64_t c) { a[i * n + c] += -factor * a[j * n + c]; });
    });
  }
  __syncthreads();
  store(out, d.wide, n * n, a);
  if (threadIdx.x == 0) put(sign_out, d.wide, 0, E{sign});
}

// A reflection of columns [first, columns) of x, from row j on, whose vector has a 1 first and then column j of a.
template <class E>
PT_DEVICE void reflect(E* x, int64_t first, int64_t columns, const E* a, int64_t stride, int64_t j, int64_t rows, E tau,
                       E* total) {
  by_threads(first, columns, [=](int64_t c) {
    E sum = x[j * columns + c];
    for (int64_t i = j + 1; i < rows; ++i) sum += conjugate(a[i * stride + j]) * x[i * columns + c];
    x[j * columns + c] += -tau * sum;
    total[c] = sum;
  });
  __syncthreads();
  by_warps(j + 1, rows, [=](int64_t i) {
    const E by = -tau * a[i * stride + j];
    by_lanes(first, columns, [=](int64_t c) { x[i * columns + c] += by * total[c]; });
  });
}

// Householder's, with the signs of LAPACK: R has a real diagonal.
template <class E>
PT_DEVICE void qr(const FactorDesc& d, const char* in, char* q_out, char* r_out, E* work) {
  const int64_t m = d.rows, n = d.columns, least = m < n ? m : n;
  const bool wide = d.wide;
  E *a = work, *q = a + m * n, *taus = q + m * least, *total = taus + least;
  load(in, wide, m * n, a);
  __syncthreads();
  const double scale = scale_of(a, m * n);
  if (scale != scale) {
    put_nan(q_out, wide, kParts<E> * m * least);
    return put_nan(r_out, wide, kParts<E> * least * n);
  }
  multiply(a, scale, m * n);
  __syncthreads();
  for (int64_t j = 0; j < least; ++j) {
    const double below = sum_of_squares(a + (j + 1) * n + j, m - j - 1, n);
    const E head = a[j * n + j];
    if (below == 0 && imaginary_of(head) == 0) {
      if (threadIdx.x == 0) taus[j] = E{0};
      continue;
    }
    const double length = root(real_of(conjugate(head) * head) + below);
    const double beta = real_of(head) >= 0 ? -length : length;
    const E tau = (beta - head) / beta;
    __syncthreads();
    by_threads(j + 1, m, [=](int64_t i) { a[i * n + j] /= head - beta; });
    __syncthreads();
    // Of its own column the reflection leaves beta.
    reflect(a, j + 1, n, a, n, j, m, conjugate(tau), total);
    if (threadIdx.x == 0) a[j * n + j] = E{beta}, taus[j] = tau;
    __syncthreads();
  }
  by_warps(0, least, [=](int64_t i) {
    by_lanes(0, n, [=](int64_t j) { put(r_out, wide, i * n + j, j < i ? E{0} : a[i * n + j] / scale); });
  });
  identity(q, m, least);
  __syncthreads();
  for (int64_t j = least - 1; j >= 0; --j) {
    if (!(taus[j] == 0)) reflect(q, 0, least, a, n, j, m, taus[j], total);
    __syncthreads();
  }
  store(q_out, wide, m * least, q);
}

}  // namespace pt::cuda
