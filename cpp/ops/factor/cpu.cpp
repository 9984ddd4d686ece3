// Plain loops in double over a workspace: rows are combined element by element, which vectorises without changing any
// sum, and inner products go in lanes. Jacobi's methods for eigenvalues and singular values: slower than
// bidiagonalisation by a factor, and accurate to the last digits without special cases (Golub & Van Loan, ch. 5 and 8).
// Pairs are turned in rounds, so that a device can turn those of a round at once.
#include "core/kernel.h"
#include "ops/factor/desc.h"
#include "ops/factor/formulas.h"

namespace pt {
namespace PT_ISA {
namespace {

void load(const char* from, bool wide, int64_t count, double* to) {
  if (wide) {
    __builtin_memcpy(to, from, sizeof(double) * uint64_t(count));
    return;
  }
  const float* single = reinterpret_cast<const float*>(from);
  for (int64_t i = 0; i < count; ++i) to[i] = double(single[i]);
}

void store(char* to, bool wide, int64_t count, const double* from) {
  for (int64_t i = 0; i < count; ++i) put(to, wide, i, from[i]);
}

// NaN where an element is no finite number.
double scale_of(const double* x, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (!is_finite(x[i])) return not_a_number();
    largest = size_of(x[i]) > largest ? size_of(x[i]) : largest;
  }
  return scale_for(largest);
}

void multiply(double* x, double by, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] *= by;
}

void put_nan(char* to, bool wide, int64_t count) {
  for (int64_t i = 0; i < count; ++i) put(to, wide, i, not_a_number());
}

inline double dot(const double* a, const double* b, int64_t n) {
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (int64_t lane = 0; i + lane < n; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  for (int apart = kLanes / 2; apart > 0; apart /= 2) {
    for (int lane = 0; lane < apart; ++lane) lanes[lane] += lanes[lane + apart];
  }
  return lanes[0];
}

// y += by x
inline void add_times(double* y, const double* x, double by, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += by * x[i];
}

inline void turn_rows(const Angle& angle, double* x, double* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) turn(angle, x + i, y + i);
}

inline void exchange(double* x, double* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const double held = x[i];
    x[i] = y[i];
    y[i] = held;
  }
}

inline void identity(double* x, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows * columns; ++i) x[i] = 0;
  for (int64_t i = 0; i < rows && i < columns; ++i) x[i * columns + i] = 1;
}

// (x + x^T) / 2, which is x itself where x is symmetric.
void load_symmetric(const FactorDesc& d, const char* from, double* to) {
  const int64_t n = d.columns;
  load(from, d.wide, n * n, to);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) to[i * n + j] = to[j * n + i] = 0.5 * to[i * n + j] + 0.5 * to[j * n + i];
  }
}

// The lower factor L of L L^T; NaN where the matrix is not positive definite.
void cholesky(const FactorDesc& d, const char* in, char* out, double* work) {
  const int64_t n = d.columns;
  double *a = work, *column = work + n * n;
  load_symmetric(d, in, a);
  for (int64_t j = 0; j < n; ++j) {
    const double pivot = a[j * n + j] > 0 ? root(a[j * n + j]) : not_a_number();
    a[j * n + j] = pivot;
    for (int64_t i = j + 1; i < n; ++i) column[i] = a[i * n + j] /= pivot;
    for (int64_t i = j + 1; i < n; ++i) add_times(a + i * n + j + 1, column + j + 1, -column[i], i - j);
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const double value = j > i ? 0 : a[i * n + j];
      put(out, d.wide, d.upper ? j * n + i : i * n + j, value);
    }
  }
}

void triangular_solve(const FactorDesc& d, const char* matrix, const char* right, char* out, double* work) {
  const int64_t n = d.columns, k = d.right;
  double *a = work, *x = work + n * n;
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

// One reflection from the left, of rows j and below of x, whose vector has a 1 first and then `column` of a.
void reflect(double* x, int64_t columns, const double* a, int64_t stride, int64_t j, int64_t rows, double tau,
             double* total) {
  for (int64_t c = 0; c < columns; ++c) total[c] = x[j * columns + c];
  for (int64_t i = j + 1; i < rows; ++i) add_times(total, x + i * columns, a[i * stride + j], columns);
  add_times(x + j * columns, total, -tau, columns);
  for (int64_t i = j + 1; i < rows; ++i) add_times(x + i * columns, total, -tau * a[i * stride + j], columns);
}

// Householder's, with the signs of LAPACK.
void qr(const FactorDesc& d, const char* in, char* q_out, char* r_out, double* work) {
  const int64_t m = d.rows, n = d.columns, least = m < n ? m : n;
  double *a = work, *q = a + m * n, *taus = q + m * least, *total = taus + least;
  double* column = total + n;
  load(in, d.wide, m * n, a);
  const double scale = scale_of(a, m * n);
  if (scale != scale) {
    put_nan(q_out, d.wide, m * least);
    return put_nan(r_out, d.wide, least * n);
  }
  multiply(a, scale, m * n);
  for (int64_t j = 0; j < least; ++j) {
    for (int64_t i = j + 1; i < m; ++i) column[i] = a[i * n + j];
    const double below = dot(column + j + 1, column + j + 1, m - j - 1);
    taus[j] = 0;
    if (below == 0) continue;
    const double head = a[j * n + j], length = root(head * head + below);
    const double beta = head >= 0 ? -length : length;
    taus[j] = (beta - head) / beta;
    for (int64_t i = j + 1; i < m; ++i) a[i * n + j] /= head - beta;
    // The reflection of the columns behind; of its own column it leaves beta.
    for (int64_t c = j + 1; c < n; ++c) total[c] = a[j * n + c];
    for (int64_t i = j + 1; i < m; ++i) add_times(total + j + 1, a + i * n + j + 1, a[i * n + j], n - j - 1);
    add_times(a + j * n + j + 1, total + j + 1, -taus[j], n - j - 1);
    for (int64_t i = j + 1; i < m; ++i) {
      add_times(a + i * n + j + 1, total + j + 1, -taus[j] * a[i * n + j], n - j - 1);
    }
    a[j * n + j] = beta;
  }
  for (int64_t i = 0; i < least; ++i) {
    for (int64_t j = 0; j < n; ++j) put(r_out, d.wide, i * n + j, j < i ? 0 : a[i * n + j] / scale);
  }
  identity(q, m, least);
  for (int64_t j = least - 1; j >= 0; --j) {
    if (taus[j] != 0) reflect(q, least, a, n, j, m, taus[j], total);
  }
  store(q_out, d.wide, m * least, q);
}

// All pairs of a round: first the rows of a and v, then the columns of a. Whether there was something to turn.
bool turn_pairs(double* a, double* v, int64_t n, int64_t round, double least, Turn* turns) {
  int64_t count = 0;
  for (int64_t k = 0; k < pairs_of(n); ++k) {
    const Turn found = turn_of(a, n, round, k, least);
    if (found.q >= 0) turns[count++] = found;
  }
  for (const Turn* t = turns; t < turns + count; ++t) {
    turn_rows(t->angle, a + t->p * n, a + t->q * n, n);
    turn_rows(t->angle, v + t->p * n, v + t->q * n, n);
  }
  for (double* row = a; row < a + n * n; row += n) {
    for (const Turn* t = turns; t < turns + count; ++t) turn(t->angle, row + t->p, row + t->q);
  }
  return count > 0;
}

// Eigenvalues in ascending order, eigenvectors as columns.
void eigh(const FactorDesc& d, const char* in, char* values, char* vectors, double* work) {
  const int64_t n = d.columns;
  double *a = work, *v = work + n * n;  // the rows of v are eigenvectors
  auto* turns = reinterpret_cast<Turn*>(v + n * n);
  load_symmetric(d, in, a);
  const double scale = scale_of(a, n * n);
  if (scale != scale) {
    put_nan(values, d.wide, n);
    return put_nan(vectors, d.wide, n * n);
  }
  multiply(a, scale, n * n);
  identity(v, n, n);
  const double least = kTiny * 0.125 * root(dot(a, a, n * n));
  bool turned = true;
  for (int sweep = 0; sweep < kSweeps && turned; ++sweep) {
    turned = false;
    for (int64_t round = 0; round < rounds_of(n); ++round) turned = turn_pairs(a, v, n, round, least, turns) || turned;
  }
  for (int64_t i = 0; i < n; ++i) {
    const int64_t place = place_of(a, n + 1, n, i, false);
    put(values, d.wide, place, a[i * n + i] / scale);
    const double sign = sign_of(v + i * n, n);
    for (int64_t k = 0; k < n; ++k) put(vectors, d.wide, k * n + place, sign * v[i * n + k]);
  }
}

// A unit vector at a right angle to those rows of u that are first in order, as the one that comes behind them.
void complete(double* u, const int64_t* order, int64_t count, int64_t m, double* trial) {
  double* made = u + order[count] * m;
  for (int64_t unit = 0; unit < m; ++unit) {
    for (int64_t i = 0; i < m; ++i) trial[i] = i == unit;
    for (int round = 0; round < 2; ++round) {
      for (int64_t j = 0; j < count; ++j) {
        const double* row = u + order[j] * m;
        add_times(trial, row, -dot(trial, row, m), m);
      }
    }
    const double length = root(dot(trial, trial, m));
    if (length < 0.5 / root(double(m))) continue;
    for (int64_t i = 0; i < m; ++i) made[i] = trial[i] / length;
    return;
  }
}

// All pairs of a round, one after the other. Whether there was something to turn.
bool turn_columns(double* w, double* v, int64_t m, int64_t n, int64_t round) {
  bool turned = false;
  for (int64_t k = 0; k < pairs_of(n); ++k) {
    const auto [p, q] = pair_of(n, round, k);
    if (q < 0) continue;
    const double a = dot(w + p * m, w + p * m, m), b = dot(w + q * m, w + q * m, m);
    const double mixed = dot(w + p * m, w + q * m, m);
    if (!(size_of(mixed) > kTiny * root(a) * root(b))) continue;
    turned = true;
    const Angle angle = angle_of(a, mixed, b);
    turn_rows(angle, w + p * m, w + q * m, m);
    turn_rows(angle, v + p * n, v + q * n, n);
  }
  return turned;
}

// Of a matrix with at least as many rows as columns: its columns are turned against each other until they are at right
// angles (Hestenes 1958).
void svd(const FactorDesc& d, const char* in, char* u_out, char* s_out, char* vh_out, double* work) {
  const int64_t m = d.rows, n = d.columns;
  double *w = work, *v = w + m * n, *s = v + n * n, *trial = s + n;  // rows of w: columns of the matrix
  int64_t* order = reinterpret_cast<int64_t*>(trial + m);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) w[j * m + i] = element(in, d.wide, i * n + j);
  }
  const double scale = scale_of(w, m * n);
  if (scale != scale) {
    put_nan(u_out, d.wide, m * n);
    put_nan(s_out, d.wide, n);
    return put_nan(vh_out, d.wide, n * n);
  }
  multiply(w, scale, m * n);
  identity(v, n, n);
  bool turned = true;
  for (int sweep = 0; sweep < kSweeps && turned; ++sweep) {
    turned = false;
    for (int64_t round = 0; round < rounds_of(n); ++round) turned = turn_columns(w, v, m, n, round) || turned;
  }
  for (int64_t i = 0; i < n; ++i) s[i] = root(dot(w + i * m, w + i * m, m));
  for (int64_t i = 0; i < n; ++i) order[place_of(s, 1, n, i, true)] = i;
  for (int64_t place = 0; place < n; ++place) {
    const int64_t i = order[place];
    if (s[i] <= s[order[0]] * kTiny) {
      complete(w, order, place, m, trial);
    } else {
      for (int64_t k = 0; k < m; ++k) w[i * m + k] /= s[i];
    }
    const double sign = sign_of(v + i * n, n);
    put(s_out, d.wide, place, s[i] / scale);
    for (int64_t k = 0; k < m; ++k) put(u_out, d.wide, k * n + place, sign * w[i * m + k]);
    for (int64_t k = 0; k < n; ++k) put(vh_out, d.wide, place * n + k, sign * v[i * n + k]);
  }
}

// With the largest pivot of each column: L below a diagonal of ones, U above; the rows as they came to lie; the sign of
// their order.
void lu(const FactorDesc& d, const char* in, char* out, char* rows, char* sign_out, double* a) {
  const int64_t n = d.columns;
  int64_t* order = reinterpret_cast<int64_t*>(rows);
  load(in, d.wide, n * n, a);
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  double sign = 1;
  for (int64_t j = 0; j < n; ++j) {
    int64_t pivot = j;
    for (int64_t i = j + 1; i < n; ++i) pivot = size_of(a[i * n + j]) > size_of(a[pivot * n + j]) ? i : pivot;
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
  put(sign_out, d.wide, 0, sign);
}

// The basis as it is (0), of eigenvectors by falling eigenvalue (1), or after one step of orthogonal iteration (2):
// columns sorted by what their eigenvalues would be, times the matrix, made orthonormal. `order` is that of the
// columns.
void eigenbasis(const FactorDesc& d, const char* matrix, const char* basis, int64_t due, char* out, int64_t* order,
                double* work) {
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

void factor(const KernelArgs* args, int64_t chunk) {
  const FactorDesc& d = *static_cast<const FactorDesc*>(args->desc);
  const int64_t bytes = d.wide ? 8 : 4, least = d.rows < d.columns ? d.rows : d.columns;
  const auto matrix = [&](int operand, int64_t elements) { return args->data[operand] + chunk * elements * bytes; };
  const int64_t all = d.rows * d.columns;
  const char* in = matrix(0, all);
  const auto work = [&](int operand) { return reinterpret_cast<double*>(args->data[operand]) + chunk * d.work; };
  switch (d.kind) {
    case FactorKind::Cholesky:
      return cholesky(d, in, matrix(1, all), work(2));
    case FactorKind::TriangularSolve:
      return triangular_solve(d, in, matrix(1, d.rows * d.right), matrix(2, d.rows * d.right), work(3));
    case FactorKind::Qr:
      return qr(d, in, matrix(1, d.rows * least), matrix(2, least * d.columns), work(3));
    case FactorKind::Eigh:
      return eigh(d, in, matrix(1, d.columns), matrix(2, all), work(3));
    case FactorKind::Svd:
      return svd(d, in, matrix(1, all), matrix(2, d.columns), matrix(3, d.columns * d.columns), work(4));
    case FactorKind::Lu:
      return lu(d, in, matrix(1, all), args->data[2] + chunk * d.columns * 8, matrix(3, 1), work(4));
    case FactorKind::Eigenbasis:
      return eigenbasis(d, in, matrix(1, all), *reinterpret_cast<const int64_t*>(args->data[2]), matrix(3, all),
                        reinterpret_cast<int64_t*>(args->data[4]) + chunk * d.columns, work(5));
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(factor, pt::PT_ISA::factor);
