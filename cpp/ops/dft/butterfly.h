// What the steps of a transform do with the numbers of one index, for the loops of every target (transform.h has the
// CPU's, cuda.cu those of a block of threads).
#pragma once
#include "core/kernel.h"
#include "ops/dft/desc.h"
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

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

// For any other prime r, by its definition: element q of the numbers p + m k, for k below r, to q of r p + j.
PT_FN void divide_one_by_prime(const Step& step, int64_t r, Line x, Line y, int64_t p, int64_t j, int64_t q) {
  const int64_t m = step.left / r, s = step.stride, quarter = m * step.root_step;  // length / r
  double re = x.re[q + s * p], im = x.im[q + s * p];
  for (int64_t k = 1; k < r; ++k) {
    const double a = x.re[q + s * (p + m * k)], b = x.im[q + s * (p + m * k)];
    const double* root = step.roots + 2 * (j * k % r) * quarter;
    re += a * root[0] - b * root[1];
    im += a * root[1] + b * root[0];
  }
  const double wr = step.roots[2 * p * j * step.root_step], wi = step.roots[2 * p * j * step.root_step + 1];
  const int64_t at = q + s * (r * p + j);
  y.re[at] = p == 0 ? re : re * wr - im * wi;
  y.im[at] = p == 0 ? im : re * wi + im * wr;
}

// The step after one that divided by r.
PT_FN Step after(const Step& step, int64_t r) {
  return {step.left / r, step.stride * r, step.root_step * r, step.roots};
}

// re + i im times the chirp's number k.
PT_FN void times_chirp(const double* chirp, Line x, int64_t k) {
  const double re = x.re[k], im = x.im[k], c = chirp[2 * k], s = chirp[2 * k + 1];
  x.re[k] = re * c - im * s;
  x.im[k] = re * s + im * c;
}
PT_FN void times_one(Line x, Line y, int64_t k) {
  const double re = x.re[k], im = x.im[k];
  x.re[k] = re * y.re[k] - im * y.im[k];
  x.im[k] = re * y.im[k] + im * y.re[k];
}

// Number k of the conjugate chirp, to both sides of 0 in a circle of d.length, divided by that.
PT_FN void put_chirp(const DftDesc& d, const double* chirp, Line x, int64_t k) {
  const double scale = 1.0 / double(d.length);
  const int64_t from_zero = 2 * k > d.length ? d.length - k : k;
  const bool within = from_zero < d.n;
  x.re[k] = within ? chirp[2 * from_zero] * scale : 0;
  x.im[k] = within ? -chirp[2 * from_zero + 1] * scale : 0;
}

}  // namespace PT_ISA
}  // namespace pt
