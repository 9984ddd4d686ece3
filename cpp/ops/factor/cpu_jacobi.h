// Jacobi's methods for eigenvalues and singular values: slower than bidiagonalisation by a factor, and accurate to the
// last digits without special cases (Golub & Van Loan, ch. 5 and 8). Pairs are turned in rounds, so that a device can
// turn those of a round at once.
#pragma once
#include "ops/factor/cpu_direct.h"

namespace pt {
namespace PT_ISA {

// All pairs of a round: first the rows of a and v, then the columns of a. Whether there was something to turn.
template <class E>
inline bool turn_pairs(E* a, E* v, int64_t n, int64_t round, double least, Turn<E>* turns) {
  int64_t count = 0;
  for (int64_t k = 0; k < pairs_of(n); ++k) {
    const Turn<E> found = turn_of(a, n, round, k, least);
    if (found.q >= 0) turns[count++] = found;
  }
  for (const Turn<E>* t = turns; t < turns + count; ++t) {
    turn_rows(t->angle, a + t->p * n, a + t->q * n, n);
    turn_rows(t->angle, v + t->p * n, v + t->q * n, n);
  }
  for (E* row = a; row < a + n * n; row += n) {
    for (const Turn<E>* t = turns; t < turns + count; ++t) turn(conjugate(t->angle), row + t->p, row + t->q);
  }
  return count > 0;
}

// Eigenvalues in ascending order, eigenvectors as columns.
template <class E>
inline void eigh(const FactorDesc& d, const char* in, char* values, char* vectors, E* work) {
  const int64_t n = d.columns;
  E *a = work, *v = work + n * n;  // the rows of v are the conjugates of eigenvectors
  auto* turns = reinterpret_cast<Turn<E>*>(v + n * n);
  load_hermitian(d, in, a);
  const double scale = scale_of(a, n * n);
  if (scale != scale) {
    put_nan(values, d.wide, n);
    return put_nan(vectors, d.wide, kParts<E> * n * n);
  }
  multiply(a, scale, n * n);
  identity(v, n, n);
  const double least = kTiny * 0.125 * root(sum_of_squares(a, n * n));
  bool turned = true;
  for (int sweep = 0; sweep < kSweeps && turned; ++sweep) {
    turned = false;
    for (int64_t round = 0; round < rounds_of(n); ++round) turned = turn_pairs(a, v, n, round, least, turns) || turned;
  }
  for (int64_t i = 0; i < n; ++i) {
    const int64_t place = place_of(a, n + 1, n, i, false);
    put(values, d.wide, place, real_of(a[i * n + i]) / scale);
    const E phase = phase_of(v + i * n, n);
    for (int64_t k = 0; k < n; ++k) put(vectors, d.wide, k * n + place, conjugate(phase * v[i * n + k]));
  }
}

// A unit vector at a right angle to those rows of u that are first in order, as the one that comes behind them.
template <class E>
inline void complete(E* u, const int64_t* order, int64_t count, int64_t m, E* trial) {
  E* made = u + order[count] * m;
  for (int64_t unit = 0; unit < m; ++unit) {
    for (int64_t i = 0; i < m; ++i) trial[i] = E{i == unit ? 1.0 : 0.0};
    for (int round = 0; round < 2; ++round) {
      for (int64_t j = 0; j < count; ++j) {
        const E* row = u + order[j] * m;
        add_times(trial, row, -dot(row, trial, m), m);
      }
    }
    const double length = root(sum_of_squares(trial, m));
    if (length < 0.5 / root(double(m))) continue;
    for (int64_t i = 0; i < m; ++i) made[i] = trial[i] / length;
    return;
  }
}

// All pairs of a round, one after the other. Whether there was something to turn.
template <class E>
inline bool turn_columns(E* w, E* v, int64_t m, int64_t n, int64_t round) {
  bool turned = false;
  for (int64_t k = 0; k < pairs_of(n); ++k) {
    const auto [p, q] = pair_of(n, round, k);
    if (q < 0) continue;
    const double a = sum_of_squares(w + p * m, m), b = sum_of_squares(w + q * m, m);
    const E mixed = dot(w + q * m, w + p * m, m);
    if (!(size_of(mixed) > kTiny * root(a) * root(b))) continue;
    turned = true;
    const Angle<E> angle = angle_of(a, mixed, b);
    turn_rows(angle, w + p * m, w + q * m, m);
    turn_rows(angle, v + p * n, v + q * n, n);
  }
  return turned;
}

// Of a matrix with at least as many rows as columns: its columns are turned against each other until they are at right
// angles (Hestenes 1958).
template <class E>
inline void svd(const FactorDesc& d, const char* in, char* u_out, char* s_out, char* vh_out, E* work) {
  const int64_t m = d.rows, n = d.columns;
  E *w = work, *v = w + m * n, *trial = v + n * n;  // rows of w: columns of the matrix; of v: conjugates of those of vh
  double* s = reinterpret_cast<double*>(trial + m);
  int64_t* order = reinterpret_cast<int64_t*>(s + n);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) w[j * m + i] = element<E>(in, d.wide, i * n + j);
  }
  const double scale = scale_of(w, m * n);
  if (scale != scale) {
    put_nan(u_out, d.wide, kParts<E> * m * n);
    put_nan(s_out, d.wide, n);
    return put_nan(vh_out, d.wide, kParts<E> * n * n);
  }
  multiply(w, scale, m * n);
  identity(v, n, n);
  bool turned = true;
  for (int sweep = 0; sweep < kSweeps && turned; ++sweep) {
    turned = false;
    for (int64_t round = 0; round < rounds_of(n); ++round) turned = turn_columns(w, v, m, n, round) || turned;
  }
  for (int64_t i = 0; i < n; ++i) s[i] = root(sum_of_squares(w + i * m, m));
  for (int64_t i = 0; i < n; ++i) order[place_of(s, 1, n, i, true)] = i;
  for (int64_t place = 0; place < n; ++place) {
    const int64_t i = order[place];
    if (s[i] <= s[order[0]] * kTiny) {
      complete(w, order, place, m, trial);
    } else {
      for (int64_t k = 0; k < m; ++k) w[i * m + k] /= s[i];
    }
    const E phase = phase_of(v + i * n, n);
    put(s_out, d.wide, place, s[i] / scale);
    for (int64_t k = 0; k < m; ++k) put(u_out, d.wide, k * n + place, phase * w[i * m + k]);
    for (int64_t k = 0; k < n; ++k) put(vh_out, d.wide, place * n + k, conjugate(phase * v[i * n + k]));
  }
}

// The basis as it is (0), of eigenvectors by falling eigenvalue (1), or after one step of orthogonal iteration (2):
// columns sorted by what their eigenvalues would be, times the matrix, made orthonormal. `order` is that of the
// columns.
inline void eigenbasis(const FactorDesc& d, const char* matrix, const char* basis, int64_t due, char* out,
                       int64_t* order, double* work) {
  const int64_t n = d.columns, all = n * n;
  double *g = work, *q = g + all, *next = q + all, *values = next + all, *rest = values + 2 * n;
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  if (due == 0) {
    load(basis, d.wide, all, q);
    return store(out, d.wide, all, q);
  }
  FactorDesc inner = d;
  inner.wide = true;
  load(matrix, d.wide, all, g);
  if (due == 1) {
    eigh(inner, reinterpret_cast<char*>(g), reinterpret_cast<char*>(values), reinterpret_cast<char*>(q), rest);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) put(out, d.wide, i * n + j, q[i * n + n - 1 - j]);
    }
    return;
  }
  load(basis, d.wide, all, q);
  const auto times = [&](const double* x, double* y) {
    for (int64_t i = 0; i < all; ++i) y[i] = 0;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t k = 0; k < n; ++k) add_times(y + i * n, x + k * n, g[i * n + k], n);
    }
  };
  times(q, next);
  for (int64_t j = 0; j < n; ++j) {
    values[j] = 0;
    for (int64_t i = 0; i < n; ++i) values[j] += q[i * n + j] * next[i * n + j];
  }
  sort_by_value(order, values, n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) q[i * n + j] = next[i * n + order[j]];
  }
  double* made = rest + 2 * all + 3 * n;
  qr(inner, reinterpret_cast<char*>(q), reinterpret_cast<char*>(made), reinterpret_cast<char*>(next), rest);
  store(out, d.wide, all, made);
}

}  // namespace PT_ISA
}  // namespace pt
