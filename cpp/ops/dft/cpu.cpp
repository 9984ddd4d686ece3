// Discrete Fourier transforms, one line after the other, by the transforms of transform.h. Real numbers of an even
// length n are n / 2 complex ones, whose transform is turned into the half of the n that says all, and the other way
// round: half the work. Of an odd length they are complex numbers without imaginary parts.
#include "core/kernel.h"
#include "ops/dft/desc.h"
#include "ops/dft/transform.h"

namespace pt {
namespace PT_ISA {
namespace {

// The other sign of the exponent is the same transform with the parts changed about, before and after.
PT_FN Line turned(Line x, bool inverse) { return inverse ? Line{x.im, x.re} : x; }

template <class T>
void load(int64_t n, const T* from, Line to) {
  for (int64_t k = 0; k < n; ++k) {
    to.re[k] = double(from[2 * k]);
    to.im[k] = double(from[2 * k + 1]);
  }
}
template <class T>
void store(int64_t n, Line from, double scale, T* to) {
  for (int64_t k = 0; k < n; ++k) {
    to[2 * k] = T(from.re[k] * scale);
    to[2 * k + 1] = T(from.im[k] * scale);
  }
}

template <class T>
void load_real(int64_t n, const T* from, Line to) {
  for (int64_t k = 0; k < n; ++k) {
    to.re[k] = double(from[k]);
    to.im[k] = 0;
  }
}
template <class T>
void store_real(int64_t n, Line from, double scale, T* to) {
  for (int64_t k = 0; k < n; ++k) to[k] = T(from.re[k] * scale);
}

// With z_k = x_2k + i x_2k+1 and Z its transform of m: X_k = (Z_k + Z*_m-k) / 2 - i w^k (Z_k - Z*_m-k) / 2, where
// w = e^(-pi i / m); X_m-k is the conjugate of the difference of these two.
template <class T>
void store_half(const DftDesc& d, Line z, T* to) {
  const int64_t m = d.n;
  const double first = z.re[0], second = z.im[0], half = 0.5 * d.scale;
  to[0] = T((first + second) * d.scale);
  to[2 * m] = T((first - second) * d.scale);
  to[1] = to[2 * m + 1] = T(0);
  PT_INDEPENDENT for (int64_t k = 1; k <= (m - 1) / 2; ++k) {
    const double wr = d.half_roots()[2 * k], wi = d.half_roots()[2 * k + 1];
    const double sum_re = z.re[k] + z.re[m - k], sum_im = z.im[k] - z.im[m - k];
    const double re = z.re[k] - z.re[m - k], im = z.im[k] + z.im[m - k];
    const double turned_re = wr * im + wi * re, turned_im = wi * im - wr * re;
    to[2 * k] = T((sum_re + turned_re) * half);
    to[2 * k + 1] = T((sum_im + turned_im) * half);
    to[2 * (m - k)] = T((sum_re - turned_re) * half);
    to[2 * (m - k) + 1] = T((turned_im - sum_im) * half);
  }
  if (m % 2 == 0) {
    to[m] = T(z.re[m / 2] * d.scale);
    to[m + 1] = T(-z.im[m / 2] * d.scale);
  }
}

// Back: 2 Z_k = X_k + X*_m-k + i w^-k (X_k - X*_m-k). The first and the last are real, whatever is said of them.
template <class T>
void load_half(const DftDesc& d, const T* from, Line z) {
  const int64_t m = d.n;
  const double first = double(from[0]), last = double(from[2 * m]);
  z.re[0] = first + last;
  z.im[0] = first - last;
  PT_INDEPENDENT for (int64_t k = 1; k <= (m - 1) / 2; ++k) {
    const double wr = d.half_roots()[2 * k], wi = d.half_roots()[2 * k + 1];
    const double a = double(from[2 * k]), b = double(from[2 * k + 1]);
    const double e = double(from[2 * (m - k)]), f = double(from[2 * (m - k) + 1]);
    const double sum_re = a + e, sum_im = b - f, re = a - e, im = b + f;
    const double turned_re = wi * re - wr * im, turned_im = wr * re + wi * im;
    z.re[k] = sum_re + turned_re;
    z.im[k] = sum_im + turned_im;
    z.re[m - k] = sum_re - turned_re;
    z.im[m - k] = turned_im - sum_im;
  }
  if (m % 2 == 0) {
    z.re[m / 2] = 2 * double(from[m]);
    z.im[m / 2] = -2 * double(from[m + 1]);
  }
}

// All n numbers from the first half, for odd n.
template <class T>
void load_mirrored(int64_t n, const T* from, Line to) {
  to.re[0] = double(from[0]);
  to.im[0] = 0;
  for (int64_t k = 1; 2 * k < n; ++k) {
    to.re[k] = to.re[n - k] = double(from[2 * k]);
    to.im[k] = double(from[2 * k + 1]);
    to.im[n - k] = -to.im[k];
  }
}

template <class T>
void load_line(const DftDesc& d, const T* from, Line to) {
  if (d.kind == kDftToReal) return d.halved ? load_half(d, from, to) : load_mirrored(d.n, from, to);
  if (d.kind == kDftFromReal && !d.halved) return load_real(d.n, from, to);
  load(d.n, from, to);
}
template <class T>
void store_line(const DftDesc& d, Line from, T* to) {
  if (d.kind == kDftFromReal) return d.halved ? store_half(d, from, to) : store((d.n + 1) / 2, from, d.scale, to);
  if (d.kind == kDftToReal && !d.halved) return store_real(d.n, from, d.scale, to);
  store(d.n, from, d.scale, to);
}

template <class T>
void transform_lines(const DftDesc& d, const char* from, char* to, int64_t first, int64_t last, double* scratch) {
  const Line x{scratch, scratch + d.length}, y{scratch + 2 * d.length, scratch + 3 * d.length};
  const Line chirp{scratch + 4 * d.length, scratch + 5 * d.length};
  if (d.by_convolution) prepare_chirp(d, x, y, chirp);
  for (int64_t i = first; i < last; ++i) {
    load_line(d, reinterpret_cast<const T*>(from) + d.from_step * i, turned(x, d.inverse));
    for (int64_t k = d.n; k < d.length; ++k) x.re[k] = x.im[k] = 0;
    const Line made = d.by_convolution ? convolve(d, x, y, chirp) : transform(d, x, y);
    store_line(d, turned(made, d.inverse), reinterpret_cast<T*>(to) + d.to_step * i);
  }
}

void run_lines(const KernelArgs* args, int64_t chunk) {
  const DftDesc& d = *static_cast<const DftDesc*>(args->desc);
  const int64_t first = chunk * d.chunk, last = first + d.chunk < d.lines ? first + d.chunk : d.lines;
  auto* scratch = reinterpret_cast<double*>(args->scratch);
  if (d.wide)
    transform_lines<double>(d, args->data[0], args->data[1], first, last, scratch);
  else
    transform_lines<float>(d, args->data[0], args->data[1], first, last, scratch);
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(dft, pt::PT_ISA::run_lines);
