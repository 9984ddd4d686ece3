// Plain loops in double over a workspace: rows are combined element by element, which vectorises without changing any
// sum, and inner products go in order. Jacobi's methods for eigenvalues and singular values: slower than
// bidiagonalisation by a factor, and accurate to the last digits without special cases (Golub & Van Loan, ch. 5 and 8).
#include "core/kernel.h"
#include "ops/factor/desc.h"

namespace pt {
namespace PT_ISA {
namespace {

constexpr int kSweeps = 60;        // Jacobi converges quadratically: about ten are used
constexpr double kTiny = 0x1p-53;  // an angle that turns nothing in double

inline double root(double x) { return __builtin_sqrt(x); }
inline double size_of(double x) { return __builtin_fabs(x); }

void load(const char* from, bool wide, int64_t count, double* to) {
  if (wide) {
    __builtin_memcpy(to, from, sizeof(double) * uint64_t(count));
    return;
  }
  const float* single = reinterpret_cast<const float*>(from);
  for (int64_t i = 0; i < count; ++i) to[i] = double(single[i]);
}

inline void put(char* to, bool wide, int64_t at, double value) {
  if (wide) {
    reinterpret_cast<double*>(to)[at] = value;
  } else {
    reinterpret_cast<float*>(to)[at] = float(value);
  }
}

void store(char* to, bool wide, int64_t count, const double* from) {
  for (int64_t i = 0; i < count; ++i) put(to, wide, i, from[i]);
}

// A power of two that brings the largest element near 1, by which squares neither overflow nor vanish; NaN where an
// element is no finite number.
double scale_of(const double* x, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double size = size_of(x[i]);
    if (!(size < __builtin_inf())) return __builtin_nan("");
    largest = size > largest ? size : largest;
  }
  uint64_t bits;
  __builtin_memcpy(&bits, &largest, sizeof(bits));
  int64_t exponent = int64_t(bits >> 52) - 1023;
  exponent = exponent < -1000 ? -1000 : exponent > 1000 ? 1000 : exponent;
  bits = uint64_t(1023 - exponent) << 52;
  double scale;
  __builtin_memcpy(&scale, &bits, sizeof(scale));
  return largest == 0 ? 1 : scale;
}

void multiply(double* x, double by, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] *= by;
}

void put_nan(char* to, bool wide, int64_t count) {
  for (int64_t i = 0; i < count; ++i) put(to, wide, i, __builtin_nan(""));
}

inline double dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// y += by x
inline void add_times(double* y, const double* x, double by, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += by * x[i];
}

// (x, y) turned by an angle.
inline void turn(double* x, double* y, double c, double s, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const double a = x[i], b = y[i];
    x[i] = c * a - s * b;
    y[i] = s * a + c * b;
  }
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

// The cosine and sine of the angle that makes a symmetric [[a, b], [b, d]] diagonal (Golub & Van Loan 8.4).
struct Angle {
  double c, s;
};
inline Angle angle_of(double a, double b, double d) {
  const double tau = (d - a) / (2 * b);
  const double t = (tau >= 0 ? 1.0 : -1.0) / (size_of(tau) + root(1 + tau * tau));
  const double c = 1 / root(1 + t * t);
  return {c, t * c};
}

// The sign that makes the first of the largest elements positive.
inline double sign_of(const double* x, int64_t n) {
  double largest = 0, sign = 1;
  for (int64_t i = 0; i < n; ++i) {
    if (size_of(x[i]) > largest * (1 + 0x1p-40)) {
      largest = size_of(x[i]);
      sign = x[i] < 0 ? -1 : 1;
    }
  }
  return sign;
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
    const double pivot = a[j * n + j] > 0 ? root(a[j * n + j]) : __builtin_nan("");
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
  load(in, d.wide, m * n, a);
  const double scale = scale_of(a, m * n);
  if (scale != scale) {
    put_nan(q_out, d.wide, m * least);
    return put_nan(r_out, d.wide, least * n);
  }
  multiply(a, scale, m * n);
  for (int64_t j = 0; j < least; ++j) {
    double below = 0;
    for (int64_t i = j + 1; i < m; ++i) below += a[i * n + j] * a[i * n + j];
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

// Eigenvalues in ascending order, eigenvectors as columns.
void eigh(const FactorDesc& d, const char* in, char* values, char* vectors, double* work) {
  const int64_t n = d.columns;
  double *a = work, *v = work + n * n;  // the rows of v are eigenvectors
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
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        if (!(size_of(a[p * n + q]) > least)) continue;
        turned = true;
        const Angle angle = angle_of(a[p * n + p], a[p * n + q], a[q * n + q]);
        turn(a + p * n, a + q * n, angle.c, angle.s, n);
        for (int64_t k = 0; k < n; ++k) {
          const double x = a[k * n + p], y = a[k * n + q];
          a[k * n + p] = angle.c * x - angle.s * y;
          a[k * n + q] = angle.s * x + angle.c * y;
        }
        turn(v + p * n, v + q * n, angle.c, angle.s, n);
      }
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    int64_t next = i;
    for (int64_t j = i + 1; j < n; ++j) next = a[j * n + j] < a[next * n + next] ? j : next;
    if (next != i) {
      exchange(a + i * n + i, a + next * n + next, 1);
      exchange(v + i * n, v + next * n, n);
    }
    put(values, d.wide, i, a[i * n + i] / scale);
    const double sign = sign_of(v + i * n, n);
    for (int64_t k = 0; k < n; ++k) put(vectors, d.wide, k * n + i, sign * v[i * n + k]);
  }
}

// A unit vector at a right angle to the first `count` rows.
void complete(double* u, int64_t count, int64_t m, double* trial) {
  double* made = u + count * m;
  for (int64_t unit = 0; unit < m; ++unit) {
    for (int64_t i = 0; i < m; ++i) trial[i] = i == unit;
    for (int round = 0; round < 2; ++round) {
      for (int64_t j = 0; j < count; ++j) add_times(trial, u + j * m, -dot(trial, u + j * m, m), m);
    }
    const double length = root(dot(trial, trial, m));
    if (length < 0.5 / root(double(m))) continue;
    for (int64_t i = 0; i < m; ++i) made[i] = trial[i] / length;
    return;
  }
}

// Of a matrix with at least as many rows as columns: its columns are turned against each other until they are at right
// angles (Hestenes 1958).
void svd(const FactorDesc& d, const char* in, char* u_out, char* s_out, char* vh_out, double* work) {
  const int64_t m = d.rows, n = d.columns;
  double *w = work, *v = w + m * n, *s = v + n * n, *trial = s + n;  // rows of w: columns of the matrix
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) load(in + (i * n + j) * (d.wide ? 8 : 4), d.wide, 1, w + j * m + i);
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
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        const double a = dot(w + p * m, w + p * m, m), b = dot(w + q * m, w + q * m, m);
        const double mixed = dot(w + p * m, w + q * m, m);
        if (!(size_of(mixed) > kTiny * root(a) * root(b))) continue;
        turned = true;
        const Angle angle = angle_of(a, mixed, b);
        turn(w + p * m, w + q * m, angle.c, angle.s, m);
        turn(v + p * n, v + q * n, angle.c, angle.s, n);
      }
    }
  }
  for (int64_t i = 0; i < n; ++i) s[i] = root(dot(w + i * m, w + i * m, m));
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    int64_t next = i;
    for (int64_t j = i + 1; j < n; ++j) next = s[j] > s[next] ? j : next;
    if (next != i) {
      exchange(s + i, s + next, 1);
      exchange(w + i * m, w + next * m, m);
      exchange(v + i * n, v + next * n, n);
    }
    largest = i == 0 ? s[0] : largest;
    if (s[i] <= largest * kTiny) {
      complete(w, i, m, trial);
    } else {
      for (int64_t k = 0; k < m; ++k) w[i * m + k] /= s[i];
    }
    const double sign = sign_of(v + i * n, n);
    put(s_out, d.wide, i, s[i] / scale);
    for (int64_t k = 0; k < m; ++k) put(u_out, d.wide, k * n + i, sign * w[i * m + k]);
    for (int64_t k = 0; k < n; ++k) put(vh_out, d.wide, i * n + k, sign * v[i * n + k]);
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
  // A stable sort by insertion: the order changes little from time to time.
  for (int64_t i = 1; i < n; ++i) {
    const int64_t held = order[i];
    int64_t j = i;
    for (; j > 0 && values[order[j - 1]] < values[held]; --j) order[j] = order[j - 1];
    order[j] = held;
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) q[i * n + j] = next[i * n + order[j]];
  }
  double* made = rest + 2 * all + 2 * n;
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
