// Plain loops over a matrix in the workspace: rows are combined element by element, which vectorises without changing
// any sum, and inner products go in lanes.
#pragma once
#include "ops/factor/desc.h"
#include "ops/factor/formulas.h"

namespace pt {
namespace PT_ISA {

template <class E>
inline void load(const char* from, bool wide, int64_t count, E* to) {
  if (wide) {
    __builtin_memcpy(static_cast<void*>(to), from, sizeof(E) * uint64_t(count));
    return;
  }
  const float* single = reinterpret_cast<const float*>(from);
  double* parts = reinterpret_cast<double*>(to);
  for (int64_t i = 0; i < kParts<E> * count; ++i) parts[i] = double(single[i]);
}

template <class E>
inline void store(char* to, bool wide, int64_t count, const E* from) {
  for (int64_t i = 0; i < count; ++i) put(to, wide, i, from[i]);
}

// NaN where an element is no finite number.
template <class E>
inline double scale_of(const E* x, int64_t count) {
  const double* parts = reinterpret_cast<const double*>(x);
  double largest = 0;
  for (int64_t i = 0; i < kParts<E> * count; ++i) {
    if (!is_finite(parts[i])) return not_a_number();
    largest = size_of(parts[i]) > largest ? size_of(parts[i]) : largest;
  }
  return scale_for(largest);
}

template <class E>
inline void multiply(E* x, double by, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] *= by;
}

// Of `count` numbers of double or float.
inline void put_nan(char* to, bool wide, int64_t count) {
  for (int64_t i = 0; i < count; ++i) put(to, wide, i, not_a_number());
}

// Of complex numbers the conjugates of a count.
template <class E>
inline E dot(const E* a, const E* b, int64_t n) {
  E lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += conjugate(a[i + lane]) * b[i + lane];
  }
  for (int64_t lane = 0; i + lane < n; ++lane) lanes[lane] += conjugate(a[i + lane]) * b[i + lane];
  for (int apart = kLanes / 2; apart > 0; apart /= 2) {
    for (int lane = 0; lane < apart; ++lane) lanes[lane] += lanes[lane + apart];
  }
  return lanes[0];
}

template <class E>
inline double sum_of_squares(const E* x, int64_t n) {
  return real_of(dot(x, x, n));
}

// y += by x
template <class E>
inline void add_times(E* y, const E* x, E by, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += by * x[i];
}

template <class E>
inline void turn_rows(const Angle<E>& angle, E* x, E* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) turn(angle, x + i, y + i);
}

template <class E>
inline void exchange(E* x, E* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const E held = x[i];
    x[i] = y[i];
    y[i] = held;
  }
}

template <class E>
inline void identity(E* x, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows * columns; ++i) x[i] = E{0};
  for (int64_t i = 0; i < rows && i < columns; ++i) x[i * columns + i] = E{1};
}

// (x + x^H) / 2, which is x itself where x is symmetric or Hermitian.
template <class E>
inline void load_hermitian(const FactorDesc& d, const char* from, E* to) {
  const int64_t n = d.columns;
  load(from, d.wide, n * n, to);
  for (int64_t i = 0; i < n; ++i) {
    to[i * n + i] = E{real_of(to[i * n + i])};
    for (int64_t j = i + 1; j < n; ++j) {
      to[i * n + j] = 0.5 * to[i * n + j] + 0.5 * conjugate(to[j * n + i]);
      to[j * n + i] = conjugate(to[i * n + j]);
    }
  }
}

}  // namespace PT_ISA
}  // namespace pt
