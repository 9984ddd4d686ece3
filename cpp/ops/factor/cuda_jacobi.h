// Eigenvalues and singular values by a block for each matrix. The pairs of a round have nothing in common: warps turn
// them at the same time, with the bits of the CPU, which turns one after the other (cpu_jacobi.h).
#pragma once
#include "ops/factor/cuda_direct.h"

namespace pt::cuda {

// All pairs of a round: first the rows of a and v, then the columns of a. Whether this thread had something to turn.
template <class E>
PT_DEVICE bool turn_pairs(E* a, E* v, int64_t n, int64_t round, double least, Turn<E>* turns) {
  bool turned = false;
  by_threads(0, pairs_of(n), [&](int64_t k) {
    turns[k] = turn_of(a, n, round, k, least);
    turned = turned || turns[k].q >= 0;
  });
  __syncthreads();
  by_warps(0, pairs_of(n), [=](int64_t k) {
    const Turn<E> t = turns[k];
    if (t.q < 0) return;
    by_lanes(0, n, [=](int64_t c) {
      turn(t.angle, a + t.p * n + c, a + t.q * n + c);
      turn(t.angle, v + t.p * n + c, v + t.q * n + c);
    });
  });
  __syncthreads();
  by_warps(0, n, [=](int64_t i) {
    by_lanes(0, pairs_of(n), [=](int64_t k) {
      const Turn<E> t = turns[k];
      if (t.q >= 0) turn(conjugate(t.angle), a + i * n + t.p, a + i * n + t.q);
    });
  });
  __syncthreads();
  return turned;
}

// Eigenvalues in ascending order, eigenvectors as columns.
template <class E>
PT_DEVICE void eigh(const FactorDesc& d, const char* in, char* values, char* vectors, E* work) {
  const int64_t n = d.columns;
  const bool wide = d.wide;
  E *a = work, *v = work + n * n;  // the rows of v are the conjugates of eigenvectors
  Turn<E>* turns = reinterpret_cast<Turn<E>*>(v + n * n);
  load_hermitian(d, in, a);
  __syncthreads();
  const double scale = scale_of(a, n * n);
  if (scale != scale) {
    put_nan(values, wide, n);
    return put_nan(vectors, wide, kParts<E> * n * n);
  }
  multiply(a, scale, n * n);
  identity(v, n, n);
  __syncthreads();
  const double least = kTiny * 0.125 * root(sum_of_squares(a, n * n));
  bool turned = true;
  for (int sweep = 0; sweep < kSweeps && turned; ++sweep) {
    bool any = false;
    for (int64_t round = 0; round < rounds_of(n); ++round) any = turn_pairs(a, v, n, round, least, turns) || any;
    turned = __syncthreads_or(any);
  }
  by_warps(0, n, [=](int64_t i) {
    const int64_t place = place_of(a, n + 1, n, i, false);
    const E phase = phase_of(v + i * n, n);
    if (threadIdx.x % kWarp == 0) put(values, wide, place, real_of(a[i * n + i]) / scale);
    by_lanes(0, n, [=](int64_t k) { put(vectors, wide, k * n + place, conjugate(phase * v[i * n + k])); });
  });
}

// A unit vector at a right angle to those rows of u that are first in order, as the one that comes behind them. A
// warp's; each thread reads what it wrote itself.
template <class E>
PT_DEVICE void complete(E* u, const int64_t* order, int64_t count, int64_t m, E* trial) {
  E* made = u + order[count] * m;
  for (int64_t unit = 0; unit < m; ++unit) {
    by_lanes(0, m, [=](int64_t i) { trial[i] = E{i == unit ? 1.0 : 0.0}; });
    for (int round = 0; round < 2; ++round) {
      for (int64_t j = 0; j < count; ++j) {
        const E* row = u + order[j] * m;
        const E by = -dot(row, trial, m);
        by_lanes(0, m, [=](int64_t i) { trial[i] += by * row[i]; });
      }
    }
    const double length = root(sum_of_squares(trial, m));
    if (length < 0.5 / root(double(m))) continue;
    by_lanes(0, m, [=](int64_t i) { made[i] = trial[i] / length; });
    return;
  }
}

// All pairs of a round, a warp for each. Whether this thread's warp had something to turn.
template <class E>
PT_DEVICE bool turn_columns(E* w, E* v, int64_t m, int64_t n, int64_t round) {
  bool turned = false;
  by_warps(0, pairs_of(n), [&](int64_t k) {
    const Pair pair = pair_of(n, round, k);
    if (pair.q < 0) return;
    E *x = w + pair.p * m, *y = w + pair.q * m;
    const double a = sum_of_squares(x, m), b = sum_of_squares(y, m);
    const E mixed = dot(y, x, m);
    if (!(size_of(mixed) > kTiny * root(a) * root(b))) return;
    turned = true;
    const Angle<E> angle = angle_of(a, mixed, b);
    by_lanes(0, m, [=](int64_t i) { turn(angle, x + i, y + i); });
    by_lanes(0, n, [=](int64_t i) { turn(angle, v + pair.p * n + i, v + pair.q * n + i); });
  });
  __syncthreads();
  return turned;
}

// Of a matrix with at least as many rows as columns: its columns are turned against each other until they are at right
// angles (Hestenes 1958).
template <class E>
PT_DEVICE void svd(const FactorDesc& d, const char* in, char* u_out, char* s_out, char* vh_out, E* work) {
  const int64_t m = d.rows, n = d.columns;
  const bool wide = d.wide;
  if (n == 0) return;
  E *w = work, *v = w + m * n, *trial = v + n * n;  // rows of w: columns of the matrix; of v: conjugates of those of vh
  double* s = reinterpret_cast<double*>(trial + m);
  int64_t* order = reinterpret_cast<int64_t*>(s + n);
  by_warps(0, m,
           [=](int64_t i) { by_lanes(0, n, [=](int64_t j) { w[j * m + i] = element<E>(in, wide, i * n + j); }); });
  __syncthreads();
  const double scale = scale_of(w, m * n);
  if (scale != scale) {
    put_nan(u_out, wide, kParts<E> * m * n);
    put_nan(s_out, wide, n);
    return put_nan(vh_out, wide, kParts<E> * n * n);
  }
  multiply(w, scale, m * n);
  identity(v, n, n);
  __syncthreads();
  bool turned = true;
  for (int sweep = 0; sweep < kSweeps && turned; ++sweep) {
    bool any = false;
    for (int64_t round = 0; round < rounds_of(n); ++round) any = turn_columns(w, v, m, n, round) || any;
    turned = __syncthreads_or(any);
  }
  by_warps(0, n, [=](int64_t i) {
    const double length = root(sum_of_squares(w + i * m, m));
    if (threadIdx.x % kWarp == 0) s[i] = length;
  });
  __syncthreads();
  by_threads(0, n, [=](int64_t i) { order[place_of(s, 1, n, i, true)] = i; });
  __syncthreads();
  const double least = s[order[0]] * kTiny;
  by_warps(0, n, [=](int64_t i) {
    const double length = s[i];
    if (length > least) by_lanes(0, m, [=](int64_t k) { w[i * m + k] /= length; });
  });
  __syncthreads();
  for (int64_t place = 0; place < n && threadIdx.x < kWarp; ++place) {
    if (s[order[place]] <= least) complete(w, order, place, m, trial);
  }
  __syncthreads();
  by_warps(0, n, [=](int64_t place) {
    const int64_t i = order[place];
    const E phase = phase_of(v + i * n, n);
    if (threadIdx.x % kWarp == 0) put(s_out, wide, place, s[i] / scale);
    by_lanes(0, m, [=](int64_t k) { put(u_out, wide, k * n + place, phase * w[i * m + k]); });
    by_lanes(0, n, [=](int64_t k) { put(vh_out, wide, place * n + k, conjugate(phase * v[i * n + k])); });
  });
}

// The basis as it is (0), of eigenvectors by falling eigenvalue (1), or after one step of orthogonal iteration (2).
PT_DEVICE void eigenbasis(const FactorDesc& d, const char* matrix, const char* basis, int64_t due, char* out,
                          int64_t* order, double* work) {
  const int64_t n = d.columns, all = n * n;
  const bool wide = d.wide;
  double *g = work, *q = g + all, *next = q + all, *values = next + all, *rest = values + 2 * n;
  by_threads(0, n, [=](int64_t i) { order[i] = i; });
  if (due == 0) return by_threads(0, all, [=](int64_t i) { put(out, wide, i, element<double>(basis, wide, i)); });
  FactorDesc inner = d;
  inner.wide = true;
  load(matrix, wide, all, g);
  if (due != 1) load(basis, wide, all, q);
  __syncthreads();
  if (due == 1) {
    eigh(inner, reinterpret_cast<char*>(g), reinterpret_cast<char*>(values), reinterpret_cast<char*>(q), rest);
    __syncthreads();
    by_threads(0, all, [=](int64_t i) { put(out, wide, i, q[i / n * n + n - 1 - i % n]); });
    return;
  }
  by_warps(0, n, [=](int64_t i) {
    by_lanes(0, n, [=](int64_t j) {
      double sum = 0;
      for (int64_t k = 0; k < n; ++k) sum += g[i * n + k] * q[k * n + j];
      next[i * n + j] = sum;
    });
  });
  __syncthreads();
  by_threads(0, n, [=](int64_t j) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += q[i * n + j] * next[i * n + j];
    values[j] = sum;
  });
  __syncthreads();
  if (threadIdx.x == 0) sort_by_value(order, values, n);
  __syncthreads();
  by_threads(0, all, [=](int64_t i) { q[i] = next[i / n * n + order[i % n]]; });
  __syncthreads();
  double* made = rest + 2 * all + 3 * n;
  qr(inner, reinterpret_cast<char*>(q), reinterpret_cast<char*>(made), reinterpret_cast<char*>(next), rest);
  __syncthreads();
  store(out, wide, all, made);
}

}  // namespace pt::cuda
