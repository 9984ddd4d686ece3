// One transform of complex numbers in double by Stockham's steps: each divides the length by a factor and sorts as it
// goes, so that inner loops run over neighbours. A length with a large prime factor becomes a circular convolution with
// a chirp, of a length without large ones (Bluestein 1970).
#pragma once
#include "ops/dft/butterfly.h"

namespace pt {
namespace PT_ISA {

// Iterations read and write different elements, which the compiler cannot see. Clang's own pragma for that is an error
// where it vectorizes nothing.
#ifdef __clang__
#define PT_INDEPENDENT
#else
#define PT_INDEPENDENT _Pragma("GCC ivdep")
#endif

// p = 0 is turned by nothing.
template <int R>
void divide(const Step& step, Line x, Line y) {
  double wr[R], wi[R];
  PT_INDEPENDENT for (int64_t q = 0; q < step.stride; ++q) divide_one<R, false>(step, x, y, 0, q, wr, wi);
  for (int64_t p = 1; p < step.left / R; ++p) {
    roots_at<R>(step, p, wr, wi);
    PT_INDEPENDENT for (int64_t q = 0; q < step.stride; ++q) divide_one<R, true>(step, x, y, p, q, wr, wi);
  }
}

// In the first step the only neighbours are those of p.
template <int R>
void divide_first(const Step& step, Line x, Line y) {
  double none[R];
  divide_one<R, false>(step, x, y, 0, 0, none, none);
  PT_INDEPENDENT for (int64_t p = 1; p < step.left / R; ++p) {
    double wr[R], wi[R];
    roots_at<R>(step, p, wr, wi);
    divide_one<R, true>(step, x, y, p, 0, wr, wi);
  }
}

template <int R>
void divide_by(const Step& step, Line x, Line y) {
  step.stride == 1 ? divide_first<R>(step, x, y) : divide<R>(step, x, y);
}

inline void divide_by_prime(const Step& step, int64_t r, Line x, Line y) {
  for (int64_t p = 0; p < step.left / r; ++p) {
    for (int64_t j = 0; j < r; ++j) {
      for (int64_t q = 0; q < step.stride; ++q) divide_one_by_prime(step, r, x, y, p, j, q);
    }
  }
}

// The result is in x or in y, as the returned line says.
inline Line transform(const DftDesc& d, const double* roots, Line x, Line y) {
  Step step{d.length, 1, 1, roots};
  for (int f = 0; f < d.n_factors; ++f) {
    const int64_t r = d.factors[f];
    switch (r) {
      case 2:
        divide_by<2>(step, x, y);
        break;
      case 3:
        divide_by<3>(step, x, y);
        break;
      case 4:
        divide_by<4>(step, x, y);
        break;
      case 5:
        divide_by<5>(step, x, y);
        break;
      default:
        divide_by_prime(step, r, x, y);
    }
    const Line other = x;
    x = y;
    y = other;
    step = after(step, r);
  }
  return x;
}

inline void prepare_chirp(const DftDesc& d, const DftTables& tables, Line x, Line y, Line result) {
  for (int64_t k = 0; k < d.length; ++k) put_chirp(d, tables.chirp, x, k);
  const Line made = transform(d, tables.roots, x, y);
  __builtin_memcpy(result.re, made.re, size_t(d.length) * sizeof(double));
  __builtin_memcpy(result.im, made.im, size_t(d.length) * sizeof(double));
}

// x holds n numbers and zeros behind them.
inline Line convolve(const DftDesc& d, const DftTables& tables, Line x, Line y, Line chirp) {
  for (int64_t k = 0; k < d.n; ++k) times_chirp(tables.chirp, x, k);
  const Line made = transform(d, tables.roots, x, y);
  const Line other = made.re == x.re ? y : x;
  for (int64_t k = 0; k < d.length; ++k) times_one(made, chirp, k);
  // Back by the same transform, with the parts changed about.
  const Line back = transform(d, tables.roots, {made.im, made.re}, {other.im, other.re});
  const Line result{back.im, back.re};
  for (int64_t k = 0; k < d.n; ++k) times_chirp(tables.chirp, result, k);
  return result;
}

}  // namespace PT_ISA
}  // namespace pt
