// One transform of complex numbers in double by Stockham's steps: each divides the length by a factor and sorts as it
// goes, so that inner loops run over neighbours. A length with a large prime factor becomes a circular convolution with
// a chirp, of a length without large ones (Bluestein 1970).
#pragma once
#include "core/kernel.h"
#include "ops/dft/desc.h"
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

// Iterations read and write different elements, which the compiler cannot see. Clang's own pragma for that is an error
// where it vectorizes nothing.
#ifdef __clang__
#define PT_INDEPENDENT
#else
#define PT_INDEPENDENT _Pragma("GCC ivdep")
#endif

// Real and imaginary parts apart.
struct Line {
  double *re, *im;
};

constexpr double kHalfRoot3 = 0.86602540378443864676;                                   // sin(2 pi / 3)
constexpr double kCos5 = 0.30901699437494742410, kCos5Twice = -0.80901699437494742410;  // of 2 pi / 5, 4 pi / 5
constexpr double kSin5 = 0.95105651629515357212, kSin5Twice = 0.58778525229247312917;

template <int R>
PT_FN void butterfly(double* re, double* im);
template <>
PT_FN void butterfly<2>(double* re, double* im) {
  const double a = re[0] - re[1], b = im[0] - im[1];
  re[0] += re[1];
  im[0] += im[1];
  re[1] = a;
  im[1] = b;
}
template <>
PT_FN void butterfly<3>(double* re, double* im) {
  const double sum_re = re[1] + re[2], sum_im = im[1] + im[2];
  const double turned_re = kHalfRoot3 * (im[1] - im[2]), turned_im = kHalfRoot3 * (re[2] - re[1]);
  const double half_re = re[0] - 0.5 * sum_re, half_im = im[0] - 0.5 * sum_im;
  re[0] += sum_re;
  im[0] += sum_im;
  re[1] = half_re + turned_re;
  im[1] = half_im + turned_im;
  re[2] = half_re - turned_re;
  im[2] = half_im - turned_im;
}
template <>
PT_FN void butterfly<4>(double* re, double* im) {
  const double a = re[0] + re[2], b = im[0] + im[2], c = re[0] - re[2], d = im[0] - im[2];
  const double e = re[1] + re[3], f = im[1] + im[3], g = re[1] - re[3], h = im[1] - im[3];
  re[0] = a + e;
  im[0] = b + f;
  re[1] = c + h;
  im[1] = d - g;
  re[2] = a - e;
  im[2] = b - f;
  re[3] = c - h;
  im[3] = d + g;
}
template <>
PT_FN void butterfly<5>(double* re, double* im) {
  const double a = re[1] + re[4], b = im[1] + im[4], c = re[2] + re[3], d = im[2] + im[3];
  const double e = re[1] - re[4], f = im[1] - im[4], g = re[2] - re[3], h = im[2] - im[3];
  const double p = re[0] + kCos5 * a + kCos5Twice * c, q = im[0] + kCos5 * b + kCos5Twice * d;
  const double r = re[0] + kCos5Twice * a + kCos5 * c, s = im[0] + kCos5Twice * b + kCos5 * d;
  const double t = kSin5 * f + kSin5Twice * h, u = kSin5 * e + kSin5Twice * g;
  const double v = kSin5Twice * f - kSin5 * h, w = kSin5Twice * e - kSin5 * g;
  re[0] += a + c;
  im[0] += b + d;
  re[1] = p + t;
  im[1] = q - u;
  re[2] = r + v;
  im[2] = s - w;
  re[3] = r - v;
  im[3] = s + w;
  re[4] = p - t;
  im[4] = q + u;
}

// What is left to transform is `left` long, in `stride` interleaved sequences. root_step is length / left.
struct Step {
  int64_t left, stride, root_step;
  const double* roots;
};

// Element q of the numbers p + m k, for k below R, to q of R p + j.
template <int R, bool Turn>
PT_FN void divide_one(const Step& step, Line x, Line y, int64_t p, int64_t q, const double* wr, const double* wi) {
  const int64_t m = step.left / R, s = step.stride;
  double re[R], im[R];
  PT_UNROLL for (int k = 0; k < R; ++k) {
    re[k] = x.re[q + s * (p + m * k)];
    im[k] = x.im[q + s * (p + m * k)];
  }
  butterfly<R>(re, im);
  y.re[q + s * R * p] = re[0];
  y.im[q + s * R * p] = im[0];
  PT_UNROLL for (int j = 1; j < R; ++j) {
    const int64_t at = q + s * (R * p + j);
    y.re[at] = Turn ? re[j] * wr[j] - im[j] * wi[j] : re[j];
    y.im[at] = Turn ? re[j] * wi[j] + im[j] * wr[j] : im[j];
  }
}

template <int R>
PT_FN void roots_at(const Step& step, int64_t p, double* wr, double* wi) {
  PT_UNROLL for (int j = 1; j < R; ++j) {
    wr[j] = step.roots[2 * p * j * step.root_step];
    wi[j] = step.roots[2 * p * j * step.root_step + 1];
  }
}

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

// Any other prime, by its definition.
inline void divide_by_prime(const Step& step, int64_t r, Line x, Line y) {
  const int64_t m = step.left / r, s = step.stride, quarter = m * step.root_step;  // length / r
  for (int64_t p = 0; p < m; ++p) {
    for (int64_t j = 0; j < r; ++j) {
      const double wr = step.roots[2 * p * j * step.root_step], wi = step.roots[2 * p * j * step.root_step + 1];
      for (int64_t q = 0; q < s; ++q) {
        double re = x.re[q + s * p], im = x.im[q + s * p];
        for (int64_t k = 1; k < r; ++k) {
          const double a = x.re[q + s * (p + m * k)], b = x.im[q + s * (p + m * k)];
          const double* root = step.roots + 2 * (j * k % r) * quarter;
          re += a * root[0] - b * root[1];
          im += a * root[1] + b * root[0];
        }
        const int64_t at = q + s * (r * p + j);
        y.re[at] = p == 0 ? re : re * wr - im * wi;
        y.im[at] = p == 0 ? im : re * wi + im * wr;
      }
    }
  }
}

// The result is in x or in y, as the returned line says.
inline Line transform(const DftDesc& d, Line x, Line y) {
  Step step{d.length, 1, 1, d.roots()};
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
    step.left /= r;
    step.stride *= r;
    step.root_step *= r;
  }
  return x;
}

// re + i im times the chirp's number k.
PT_FN void times_chirp(const double* chirp, Line x, int64_t k) {
  const double re = x.re[k], im = x.im[k], c = chirp[2 * k], s = chirp[2 * k + 1];
  x.re[k] = re * c - im * s;
  x.im[k] = re * s + im * c;
}

// The transform of the conjugate chirp, to both sides of 0, divided by the length.
inline void prepare_chirp(const DftDesc& d, Line x, Line y, Line result) {
  __builtin_memset(x.re, 0, size_t(d.length) * sizeof(double));
  __builtin_memset(x.im, 0, size_t(d.length) * sizeof(double));
  const double scale = 1.0 / double(d.length);
  for (int64_t k = 0; k < d.n; ++k) {
    const int64_t other = k == 0 ? 0 : d.length - k;
    x.re[k] = x.re[other] = d.chirp()[2 * k] * scale;
    x.im[k] = x.im[other] = -d.chirp()[2 * k + 1] * scale;
  }
  const Line made = transform(d, x, y);
  __builtin_memcpy(result.re, made.re, size_t(d.length) * sizeof(double));
  __builtin_memcpy(result.im, made.im, size_t(d.length) * sizeof(double));
}

// x holds n numbers and zeros behind them.
inline Line convolve(const DftDesc& d, Line x, Line y, Line chirp) {
  for (int64_t k = 0; k < d.n; ++k) times_chirp(d.chirp(), x, k);
  Line made = transform(d, x, y);
  Line other = made.re == x.re ? y : x;
  for (int64_t k = 0; k < d.length; ++k) {
    const double re = made.re[k], im = made.im[k];
    made.re[k] = re * chirp.re[k] - im * chirp.im[k];
    made.im[k] = re * chirp.im[k] + im * chirp.re[k];
  }
  // Back by the same transform, with the parts changed about.
  const Line back = transform(d, {made.im, made.re}, {other.im, other.re});
  const Line result{back.im, back.re};
  for (int64_t k = 0; k < d.n; ++k) times_chirp(d.chirp(), result, k);
  return result;
}

}  // namespace PT_ISA
}  // namespace pt
