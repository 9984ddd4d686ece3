// What factorisations of every target compute by the same formulas.
#pragma once
#include "ops/factor/number.h"

namespace pt {
namespace PT_ISA {

constexpr int kSweeps = 60;        // Jacobi converges quadratically: about ten are used
constexpr int kLanes = 32;         // an inner product is that of lanes, each in order, joined by halves
constexpr double kTiny = 0x1p-53;  // an angle that turns nothing in double

// A power of two that brings the largest element near 1, by which squares neither overflow nor vanish.
PT_FN double scale_for(double largest) {
  if (largest == 0) return 1;
  int64_t exponent = int64_t(bit_cast<uint64_t>(largest) >> 52) - 1023;
  exponent = exponent < -1000 ? -1000 : exponent > 1000 ? 1000 : exponent;
  return bit_cast<double>(uint64_t(1023 - exponent) << 52);
}

// The cosine and sine of the angle that makes a symmetric [[a, b], [b, d]] diagonal (Golub & Van Loan 8.4). Of a
// Hermitian [[a, b], [conjugate(b), d]] the sine carries the phase of b.
template <class E>
struct Angle {
  double c;
  E s;
};
PT_FN Angle<double> angle_of(double a, double b, double d) {
  const double tau = (d - a) / (2 * b);
  const double t = (tau >= 0 ? 1.0 : -1.0) / (size_of(tau) + root(1 + tau * tau));
  const double c = 1 / root(1 + t * t);
  return {c, t * c};
}
PT_FN Angle<Complex> angle_of(double a, Complex b, double d) {
  const double size = size_of(b);
  const Angle<double> angle = angle_of(a, size, d);
  return {angle.c, angle.s * (b / size)};
}
template <class E>
PT_FN Angle<E> conjugate(const Angle<E>& angle) {
  return {angle.c, conjugate(angle.s)};
}

// Rows p and q, turned by an angle, or columns by its conjugate; none where q is -1.
template <class E>
struct Turn {
  Angle<E> angle;
  int64_t p, q;
};
template <class E>
PT_FN void turn(const Angle<E>& angle, E* x, E* y) {
  const E a = *x, b = *y;
  *x = angle.c * a - angle.s * b;
  *y = conjugate(angle.s) * a + angle.c * b;
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
template <class E>
PT_FN Turn<E> turn_of(const E* a, int64_t n, int64_t round, int64_t number, double least) {
  const Pair pair = pair_of(n, round, number);
  if (pair.q < 0 || !(size_of(a[pair.p * n + pair.q]) > least)) return {{1, E{}}, 0, -1};
  const double first = real_of(a[pair.p * n + pair.p]), second = real_of(a[pair.q * n + pair.q]);
  return {angle_of(first, a[pair.p * n + pair.q], second), pair.p, pair.q};
}

// The number of size 1 that makes the first of the largest elements positive.
template <class E>
PT_FN E phase_of(const E* x, int64_t n) {
  double largest = 0;
  E phase{1};
  for (int64_t i = 0; i < n; ++i) {
    const double size = size_of(x[i]);
    if (size > largest * (1 + 0x1p-40)) {
      largest = size;
      phase = turning_positive(x[i], size);
    }
  }
  return phase;
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

// The place of number i of finite ones in ascending or descending order; of equal ones the first comes first. Of
// complex numbers the real parts count.
template <class E>
PT_FN int64_t place_of(const E* values, int64_t stride, int64_t n, int64_t i, bool descending) {
  const double own = real_of(values[i * stride]);
  int64_t place = 0;
  for (int64_t j = 0; j < n; ++j) {
    const double other = real_of(values[j * stride]);
    place += (descending ? other > own : other < own) || (other == own && j < i);
  }
  return place;
}

}  // namespace PT_ISA
}  // namespace pt
