// What factorisations of every target compute by the same formulas.
#pragma once
#include "core/kernel.h"
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

constexpr int kSweeps = 60;        // Jacobi converges quadratically: about ten are used
constexpr int kLanes = 32;         // an inner product is that of lanes, each in order, joined by halves
constexpr double kTiny = 0x1p-53;  // an angle that turns nothing in double

PT_FN double root(double x) { return PT_PLAIN(sqrt)(x); }
PT_FN double size_of(double x) { return PT_PLAIN(fabs)(x); }
PT_FN bool is_finite(double x) { return x - x == 0; }
PT_FN double not_a_number() { return bit_cast<double>(uint64_t{0x7ff8000000000000}); }

PT_FN double element(const char* from, bool wide, int64_t at) {
  return wide ? reinterpret_cast<const double*>(from)[at] : double(reinterpret_cast<const float*>(from)[at]);
}
PT_FN void put(char* to, bool wide, int64_t at, double value) {
  if (wide) {
    reinterpret_cast<double*>(to)[at] = value;
  } else {
    reinterpret_cast<float*>(to)[at] = float(value);
  }
}

// A power of two that brings the largest element near 1, by which squares neither overflow nor vanish.
PT_FN double scale_for(double largest) {
  if (largest == 0) return 1;
  int64_t exponent = int64_t(bit_cast<uint64_t>(largest) >> 52) - 1023;
  exponent = exponent < -1000 ? -1000 : exponent > 1000 ? 1000 : exponent;
  return bit_cast<double>(uint64_t(1023 - exponent) << 52);
}

// The cosine and sine of the angle that makes a symmetric [[a, b], [b, d]] diagonal (Golub & Van Loan 8.4).
struct Angle {
  double c, s;
};
PT_FN Angle angle_of(double a, double b, double d) {
  const double tau = (d - a) / (2 * b);
  const double t = (tau >= 0 ? 1.0 : -1.0) / (size_of(tau) + root(1 + tau * tau));
  const double c = 1 / root(1 + t * t);
  return {c, t * c};
}

// Rows or columns p and q, turned by an angle; by none where q is -1.
struct Turn {
  Angle angle;
  int64_t p, q;
};
PT_FN void turn(const Angle& angle, double* x, double* y) {
  const double a = *x, b = *y;
  *x = angle.c * a - angle.s * b;
  *y = angle.s * a + angle.c * b;
}

// Every two of n meet once in a sweep: in n - 1 rounds, or n of an odd n, of pairs that have nothing in common, so that
// the pairs of a round may be turned at the same time (Brent & Luk 1985). q is -1 for who has no partner.
PT_FN int64_t rounds_of(int64_t n) { return n < 2 ? 0 : n - 1 + n % 2; }
PT_FN int64_t pairs_of(int64_t n) { return (n + 1) / 2; }
struct Pair {
  int64_t p, q;
};
PT_FN Pair pair_of(int64_t n, int64_t round, int64_t number) {
  const int64_t circle = rounds_of(n);
  int64_t a = round + number, b = number == 0 ? circle : round - number;
  a -= a >= circle ? circle : 0;
  b += b < 0 ? circle : 0;
  if (a >= n || b >= n) return {0, -1};
  return a < b ? Pair{a, b} : Pair{b, a};
}

// How Jacobi's method for eigenvalues turns a pair of a round.
PT_FN Turn turn_of(const double* a, int64_t n, int64_t round, int64_t number, double least) {
  const Pair pair = pair_of(n, round, number);
  if (pair.q < 0 || !(size_of(a[pair.p * n + pair.q]) > least)) return {{1, 0}, 0, -1};
  return {angle_of(a[pair.p * n + pair.p], a[pair.p * n + pair.q], a[pair.q * n + pair.q]), pair.p, pair.q};
}

// The sign that makes the first of the largest elements positive.
PT_FN double sign_of(const double* x, int64_t n) {
  double largest = 0, sign = 1;
  for (int64_t i = 0; i < n; ++i) {
    if (size_of(x[i]) > largest * (1 + 0x1p-40)) {
      largest = size_of(x[i]);
      sign = x[i] < 0 ? -1 : 1;
    }
  }
  return sign;
}

// Sorts by falling value, and keeps the order of equals: by insertion, since the order changes little from time to
// time.
PT_FN void sort_by_value(int64_t* order, const double* values, int64_t n) {
  for (int64_t i = 1; i < n; ++i) {
    const int64_t held = order[i];
    int64_t j = i;
    for (; j > 0 && values[order[j - 1]] < values[held]; --j) order[j] = order[j - 1];
    order[j] = held;
  }
}

// The place of number i of finite ones in ascending or descending order; of equal ones the first comes first.
PT_FN int64_t place_of(const double* values, int64_t stride, int64_t n, int64_t i, bool descending) {
  const double own = values[i * stride];
  int64_t place = 0;
  for (int64_t j = 0; j < n; ++j) {
    const double other = values[j * stride];
    place += (descending ? other > own : other < own) || (other == own && j < i);
  }
  return place;
}

}  // namespace PT_ISA
}  // namespace pt
