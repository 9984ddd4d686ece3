// How a line is read before its transform and written after it, for every target: each(n, f) calls f(0) to f(n - 1), in
// any order. Real numbers of an even length n are n / 2 complex ones, whose transform is turned into the half of the n
// that says all, and the other way round: half the work. Of an odd length they are complex numbers without imaginary
// parts.
#pragma once
#include "ops/dft/butterfly.h"

namespace pt {
namespace PT_ISA {

// The other sign of the exponent is the same transform with the parts changed about, before and after.
PT_FN Line turned(Line x, bool inverse) { return inverse ? Line{x.im, x.re} : x; }

template <class T, class Each>
PT_FN void load(const Each& each, int64_t n, const T* from, Line to) {
  each(n, [=](int64_t k) {
    to.re[k] = double(from[2 * k]);
    to.im[k] = double(from[2 * k + 1]);
  });
}
template <class T, class Each>
PT_FN void store(const Each& each, int64_t n, Line from, double scale, T* to) {
  each(n, [=](int64_t k) {
    to[2 * k] = T(from.re[k] * scale);
    to[2 * k + 1] = T(from.im[k] * scale);
  });
}

template <class T, class Each>
PT_FN void load_real(const Each& each, int64_t n, const T* from, Line to) {
  each(n, [=](int64_t k) {
    to.re[k] = double(from[k]);
    to.im[k] = 0;
  });
}
template <class T, class Each>
PT_FN void store_real(const Each& each, int64_t n, Line from, double scale, T* to) {
  each(n, [=](int64_t k) { to[k] = T(from.re[k] * scale); });
}

// With z_k = x_2k + i x_2k+1 and Z its transform of m: X_k = (Z_k + Z*_m-k) / 2 - i w^k (Z_k - Z*_m-k) / 2, where
// w = e^(-pi i / m); X_m-k is the conjugate of the difference of these two.
template <class T, class Each>
PT_FN void store_half(const Each& each, int64_t m, double scale, const double* half_roots, Line z, T* to) {
  const double half = 0.5 * scale;
  each(1, [=](int64_t) {
    const double first = z.re[0], second = z.im[0];
    to[0] = T((first + second) * scale);
    to[2 * m] = T((first - second) * scale);
    to[1] = to[2 * m + 1] = T(0);
  });
  each((m - 1) / 2, [=](int64_t before) {
    const int64_t k = before + 1;
    const double wr = half_roots[2 * k], wi = half_roots[2 * k + 1];
    const double sum_re = z.re[k] + z.re[m - k], sum_im = z.im[k] - z.im[m - k];
    const double re = z.re[k] - z.re[m - k], im = z.im[k] + z.im[m - k];
    const double turned_re = wr * im + wi * re, turned_im = wi * im - wr * re;
    to[2 * k] = T((sum_re + turned_re) * half);
    to[2 * k + 1] = T((sum_im + turned_im) * half);
    to[2 * (m - k)] = T((sum_re - turned_re) * half);
    to[2 * (m - k) + 1] = T((turned_im - sum_im) * half);
  });
  each(m % 2 == 0, [=](int64_t) {
    to[m] = T(z.re[m / 2] * scale);
    to[m + 1] = T(-z.im[m / 2] * scale);
  });
}

// Back: 2 Z_k = X_k + X*_m-k + i w^-k (X_k - X*_m-k). The imaginary parts of the first and the last are ignored.
template <class T, class Each>
PT_FN void load_half(const Each& each, int64_t m, const double* half_roots, const T* from, Line z) {
  each(1, [=](int64_t) {
    const double first = double(from[0]), last = double(from[2 * m]);
    z.re[0] = first + last;
    z.im[0] = first - last;
  });
  each((m - 1) / 2, [=](int64_t before) {
    const int64_t k = before + 1;
    const double wr = half_roots[2 * k], wi = half_roots[2 * k + 1];
    const double a = double(from[2 * k]), b = double(from[2 * k + 1]);
    const double e = double(from[2 * (m - k)]), f = double(from[2 * (m - k) + 1]);
    const double sum_re = a + e, sum_im = b - f, re = a - e, im = b + f;
    const double turned_re = wi * re - wr * im, turned_im = wr * re + wi * im;
    z.re[k] = sum_re + turned_re;
    z.im[k] = sum_im + turned_im;
    z.re[m - k] = sum_re - turned_re;
    z.im[m - k] = turned_im - sum_im;
  });
  each(m % 2 == 0, [=](int64_t) {
    z.re[m / 2] = 2 * double(from[m]);
    z.im[m / 2] = -2 * double(from[m + 1]);
  });
}

// All n numbers from the first half, for odd n.
template <class T, class Each>
PT_FN void load_mirrored(const Each& each, int64_t n, const T* from, Line to) {
  each(1, [=](int64_t) {
    to.re[0] = double(from[0]);
    to.im[0] = 0;
  });
  each((n - 1) / 2, [=](int64_t before) {
    const int64_t k = before + 1;
    to.re[k] = to.re[n - k] = double(from[2 * k]);
    to.im[k] = double(from[2 * k + 1]);
    to.im[n - k] = -to.im[k];
  });
}

template <class T, class Each>
PT_FN void load_line(const Each& each, const DftDesc& d, const DftTables& tables, const T* from, Line to) {
  if (d.kind == kDftToReal) {
    return d.halved ? load_half(each, d.n, tables.half_roots, from, to) : load_mirrored(each, d.n, from, to);
  }
  if (d.kind == kDftFromReal && !d.halved) return load_real(each, d.n, from, to);
  load(each, d.n, from, to);
}
template <class T, class Each>
PT_FN void store_line(const Each& each, const DftDesc& d, const DftTables& tables, Line from, T* to) {
  if (d.kind == kDftFromReal) {
    return d.halved ? store_half(each, d.n, d.scale, tables.half_roots, from, to)
                    : store(each, (d.n + 1) / 2, from, d.scale, to);
  }
  if (d.kind == kDftToReal && !d.halved) return store_real(each, d.n, from, d.scale, to);
  store(each, d.n, from, d.scale, to);
}

}  // namespace PT_ISA
}  // namespace pt
