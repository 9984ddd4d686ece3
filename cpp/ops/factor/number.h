// What a matrix is made of: double, or a complex number by the same operators and names, so that a loop over either is
// written once. Of a double each function is what the loop would say without it.
#pragma once
#include "core/kernel.h"
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

struct Complex {
  double re = 0, im = 0;
};

template <class E>
constexpr int64_t kParts = sizeof(E) / sizeof(double);

PT_FN double root(double x) { return PT_PLAIN(sqrt)(x); }
PT_FN bool is_finite(double x) { return x - x == 0; }
PT_FN double not_a_number() { return bit_cast<double>(uint64_t{0x7ff8000000000000}); }

PT_FN Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
PT_FN Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
PT_FN Complex operator-(Complex a, double b) { return {a.re - b, a.im}; }
PT_FN Complex operator-(double a, Complex b) { return {a - b.re, -b.im}; }
PT_FN Complex operator-(Complex a) { return {-a.re, -a.im}; }
PT_FN Complex operator*(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
PT_FN Complex operator*(double a, Complex b) { return {a * b.re, a * b.im}; }
PT_FN Complex operator/(Complex a, double b) { return {a.re / b, a.im / b}; }
PT_FN bool operator==(Complex a, double b) { return a.re == b && a.im == 0; }

PT_FN double conjugate(double x) { return x; }
PT_FN Complex conjugate(Complex x) { return {x.re, -x.im}; }
PT_FN double real_of(double x) { return x; }
PT_FN double real_of(Complex x) { return x.re; }
PT_FN double imaginary_of(double) { return 0; }
PT_FN double imaginary_of(Complex x) { return x.im; }

PT_FN double size_of(double x) { return PT_PLAIN(fabs)(x); }
// By the ratio of the parts, so that no square overflows or vanishes.
PT_FN double size_of(Complex x) {
  const double re = size_of(x.re), im = size_of(x.im);
  const double large = re < im ? im : re, small = re < im ? re : im;
  if (large == 0) return 0;
  const double ratio = small / large;
  return large * root(1 + ratio * ratio);
}
// By which pivots are compared: of complex numbers the sum of the parts, as in LAPACK.
PT_FN double pivot_size(double x) { return size_of(x); }
PT_FN double pivot_size(Complex x) { return size_of(x.re) + size_of(x.im); }

// By the ratio of the divisor's parts (Smith 1962), for the same reason.
PT_FN Complex operator/(Complex a, Complex b) {
  if (size_of(b.re) < size_of(b.im)) {
    const double ratio = b.re / b.im, whole = b.im + b.re * ratio;
    return {(a.re * ratio + a.im) / whole, (a.im * ratio - a.re) / whole};
  }
  if (b == 0) return a / b.re;
  const double ratio = b.im / b.re, whole = b.re + b.im * ratio;
  return {(a.re + a.im * ratio) / whole, (a.im - a.re * ratio) / whole};
}

PT_FN Complex& operator+=(Complex& a, Complex b) { return a = a + b; }
PT_FN Complex& operator*=(Complex& a, double b) { return a = b * a; }
PT_FN Complex& operator/=(Complex& a, double b) { return a = a / b; }
PT_FN Complex& operator/=(Complex& a, Complex b) { return a = a / b; }

// The number of size 1 that turns x, of this size, into its size.
PT_FN double turning_positive(double x, double) { return x < 0 ? -1 : 1; }
PT_FN Complex turning_positive(Complex x, double size) { return conjugate(x) / size; }

// Where a number is stored: as two of double or float where it is complex.
template <class E>
PT_FN E element(const char* from, bool wide, int64_t at);
template <>
PT_FN double element<double>(const char* from, bool wide, int64_t at) {
  return wide ? reinterpret_cast<const double*>(from)[at] : double(reinterpret_cast<const float*>(from)[at]);
}
template <>
PT_FN Complex element<Complex>(const char* from, bool wide, int64_t at) {
  return {element<double>(from, wide, 2 * at), element<double>(from, wide, 2 * at + 1)};
}
PT_FN void put(char* to, bool wide, int64_t at, double value) {
  if (wide) {
    reinterpret_cast<double*>(to)[at] = value;
  } else {
    reinterpret_cast<float*>(to)[at] = float(value);
  }
}
PT_FN void put(char* to, bool wide, int64_t at, Complex value) {
  put(to, wide, 2 * at, value.re);
  put(to, wide, 2 * at + 1, value.im);
}

}  // namespace PT_ISA
}  // namespace pt
