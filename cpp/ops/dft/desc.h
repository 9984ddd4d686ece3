// What one discrete Fourier transform of a given length needs.
#pragma once
#include <stdint.h>

namespace pt {

constexpr int kDftFactors = 40;
constexpr int kDftLargestFactor = 31;  // a length with larger prime factors goes through a convolution

enum DftKind : uint8_t {
  kDftComplex,
  kDftFromReal,  // to the first half of the sums; the others are their conjugates
  kDftToReal,    // from such a half
};

// cos and -sin of 2 pi k / length, for k below length; of pi k^2 / n, for k below n; of pi k / n, for k below n / 2.
struct DftTables {
  const double *roots, *chirp, *half_roots;
};

struct DftDesc {
  int64_t n;       // of a transformed line, in complex numbers
  int64_t length;  // of the transforms that are made: n, or what holds a convolution of n
  int64_t lines;
  int64_t chunk;               // lines
  int64_t from_step, to_step;  // from line to line, in elements
  double scale;
  DftKind kind;
  uint8_t halved;   // pairs of 2 n real numbers are taken for n complex ones
  uint8_t wide;     // elements are double
  uint8_t inverse;  // the other sign of the exponent
  uint8_t by_convolution;
  int32_t n_factors;
  int32_t factors[kDftFactors];  // of length

  // In roots, all tables together.
  constexpr int64_t table_size() const { return length + (by_convolution ? n : 0) + (halved ? (n + 1) / 2 : 0); }
  constexpr DftTables tables(const double* first) const {
    return {first, first + 2 * length, first + 2 * (length + (by_convolution ? n : 0))};
  }
};

}  // namespace pt
