// Factorisations and solves with a known number of steps.
#pragma once
#include "ops/factor/cpu_block.h"

namespace pt {
namespace PT_ISA {

// The lower factor L of L L^H; NaN where the matrix is not positive definite.
template <class E>
inline void cholesky(const FactorDesc& d, const char* in, char* out, E* work) {
  const int64_t n = d.columns;
  E *a = work, *column = work + n * n;
  load_hermitian(d, in, a);
  for (int64_t j = 0; j < n; ++j) {
    const double head = real_of(a[j * n + j]), pivot = head > 0 ? root(head) : not_a_number();
    a[j * n + j] = E{pivot};
    for (int64_t i = j + 1; i < n; ++i) column[i] = conjugate(a[i * n + j] /= pivot);
    for (int64_t i = j + 1; i < n; ++i) add_times(a + i * n + j + 1, column + j + 1, -a[i * n + j], i - j);
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const E value = j > i ? E{0} : a[i * n + j];
      put(out, d.wide, d.upper ? j * n + i : i * n + j, d.upper ? conjugate(value) : value);
    }
  }
}

template <class E>
inline void triangular_solve(const FactorDesc& d, const char* matrix, const char* right, char* out, E* work) {
  const int64_t n = d.columns, k = d.right;
  E *a = work, *x = work + n * n;
  load(matrix, d.wide, n * n, a);
  load(right, d.wide, n * k, x);
  const bool forward = d.upper == d.transposed;
  for (int64_t step = 0; step < n; ++step) {
    const int64_t i = forward ? step : n - 1 - step;
    for (int64_t before = 0; before < step; ++before) {
      const int64_t j = forward ? before : n - 1 - before;
      add_times(x + i * k, x + j * k, -(d.transposed ? a[j * n + i] : a[i * n + j]), k);
    }
    if (d.unit) continue;
    for (int64_t c = 0; c < k; ++c) x[i * k + c] /= a[i * n + i];
  }
  store(out, d.wide, n * k, x);
}

// One reflection from the left, of rows j and below and columns from `first` of x, whose vector has a 1 first and then
// column j of a.
template <class E>
inline void reflect(E* x, int64_t first, int64_t columns, const E* a, int64_t stride, int64_t j, int64_t rows, E tau,
                    E* total) {
  const int64_t wide = columns - first;
  for (int64_t c = first; c < columns; ++c) total[c] = x[j * columns + c];
  for (int64_t i = j + 1; i < rows; ++i) {
    add_times(total + first, x + i * columns + first, conjugate(a[i * stride + j]), wide);
  }
  add_times(x + j * columns + first, total + first, -tau, wide);
  for (int64_t i = j + 1; i < rows; ++i) {
    add_times(x + i * columns + first, total + first, -tau * a[i * stride + j], wide);
  }
}

// Householder's, with the signs of LAPACK: R has a real diagonal.
template <class E>
inline void qr(const FactorDesc& d, const char* in, char* q_out, char* r_out, E* work) {
  const int64_t m = d.rows, n = d.columns, least = m < n ? m : n;
  E *a = work, *q = a + m * n, *taus = q + m * least, *total = taus + least;
  E* column = total + n;
  load(in, d.wide, m * n, a);
  const double scale = scale_of(a, m * n);
  if (scale != scale) {
    put_nan(q_out, d.wide, kParts<E> * m * least);
    return put_nan(r_out, d.wide, kParts<E> * least * n);
  }
  multiply(a, scale, m * n);
  for (int64_t j = 0; j < least; ++j) {
    for (int64_t i = j + 1; i < m; ++i) column[i] = a[i * n + j];
    const double below = sum_of_squares(column + j + 1, m - j - 1);
    const E head = a[j * n + j];
    taus[j] = E{0};
    if (below == 0 && imaginary_of(head) == 0) continue;
    const double length = root(real_of(conjugate(head) * head) + below);
    const double beta = real_of(head) >= 0 ? -length : length;
    taus[j] = (beta - head) / beta;
    for (int64_t i = j + 1; i < m; ++i) a[i * n + j] /= head - beta;
    // Of its own column the reflection leaves beta.
    reflect(a, j + 1, n, a, n, j, m, conjugate(taus[j]), total);
    a[j * n + j] = E{beta};
  }
  for (int64_t i = 0; i < least; ++i) {
    for (int64_t j = 0; j < n; ++j) put(r_out, d.wide, i * n + j, j < i ? E{0} : a[i * n + j] / scale);
  }
  identity(q, m, least);
  for (int64_t j = least - 1; j >= 0; --j) {
    if (!(taus[j] == 0)) reflect(q, 0, least, a, n, j, m, taus[j], total);
  }
  store(q_out, d.wide, m * least, q);
}

// With the largest pivot of each column: L below a diagonal of ones, U above; the rows as they came to lie; the sign of
// their order.
template <class E>
inline void lu(const FactorDesc& d, const char* in, char* out, int64_t* order, char* sign_out, E* a) {
  const int64_t n = d.columns;
  load(in, d.wide, n * n, a);
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  double sign = 1;
  for (int64_t j = 0; j < n; ++j) {
    int64_t pivot = j;
    for (int64_t i = j + 1; i < n; ++i) pivot = pivot_size(a[i * n + j]) > pivot_size(a[pivot * n + j]) ? i : pivot;
    if (pivot != j) {
      exchange(a + j * n, a + pivot * n, n);
      const int64_t held = order[j];
      order[j] = order[pivot];
      order[pivot] = held;
      sign = -sign;
    }
    if (a[j * n + j] == 0) continue;
    for (int64_t i = j + 1; i < n; ++i) {
      a[i * n + j] /= a[j * n + j];
      add_times(a + i * n + j + 1, a + j * n + j + 1, -a[i * n + j], n - j - 1);
    }
  }
  store(out, d.wide, n * n, a);
  put(sign_out, d.wide, 0, E{sign});
}

}  // namespace PT_ISA
}  // namespace pt
