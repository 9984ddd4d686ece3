// The roots of unity of a transform, by sums of products alone, so that they are the same numbers on every machine.
#pragma once
#include "ops/dft/desc.h"

namespace pt {

struct Root {
  double re, im;
};

// e^(2 pi i k / n) for 0 <= k < n. The angle is brought to an eighth of a turn in integers, where series are short.
constexpr Root unit_root(int64_t k, int64_t n) {
  constexpr double kQuarterPi = 0.78539816339744830962;
  const int64_t eighth = 8 * k / n, rest = 8 * k - eighth * n;
  const bool back = eighth % 2 != 0;
  const double a = kQuarterPi * (double(back ? n - rest : rest) / double(n));
  const double square = a * a;
  double cosine = 1, sine = 1;
  for (int i = 18; i > 0; i -= 2) {
    cosine = 1 - cosine * square / (i * (i - 1));
    sine = 1 - sine * square / (i * (i + 1));
  }
  Root root{cosine, back ? -a * sine : a * sine};
  for (int64_t turn = (eighth + 1) / 2; turn > 0; --turn) root = {-root.im, root.re};
  return root;
}

// Number i of all tables of a transform, as they follow each other.
constexpr Root table_root(const DftDesc& d, int64_t i) {
  int64_t angle = i, circle = d.length;
  if (i >= d.length) {
    i -= d.length;
    circle = 2 * d.n;
    const bool of_chirp = d.by_convolution && i < d.n;
    angle = of_chirp ? i * i % circle : d.by_convolution ? i - d.n : i;
  }
  const Root root = unit_root(angle, circle);
  return {root.re, -root.im};
}

}  // namespace pt
