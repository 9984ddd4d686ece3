// The transforms of a tile, of whole vectors of channels: additions, subtractions and halves, first down the columns,
// then along the rows. The matrices are those of Lavin & Gray 2016 (4.1); the order of each sum is written here once.
#pragma once
#include "ops/conv2d/winograd.h"
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

using WinogradLanes = native<float>;
using WinogradVector = WinogradLanes::reg;

// B^T d: four pixels in a line, to the points of a tile.
struct SourcePoints {
  static constexpr int kFrom = 4, kTo = 4;
  static PT_FN void apply(const WinogradVector (&d)[4], WinogradVector (&to)[4]) {
    to[0] = WinogradLanes::sub(d[0], d[2]);
    to[1] = WinogradLanes::add(d[1], d[2]);
    to[2] = WinogradLanes::sub(d[2], d[1]);
    to[3] = WinogradLanes::sub(d[1], d[3]);
  }
};

// G g: three taps.
struct WeightPoints {
  static constexpr int kFrom = 3, kTo = 4;
  static PT_FN void apply(const WinogradVector (&g)[3], WinogradVector (&to)[4]) {
    const WinogradVector half = WinogradLanes::fill(0.5f), ends = WinogradLanes::add(g[0], g[2]);
    to[0] = g[0];
    to[1] = WinogradLanes::mul(WinogradLanes::add(ends, g[1]), half);
    to[2] = WinogradLanes::mul(WinogradLanes::sub(ends, g[1]), half);
    to[3] = g[2];
  }
};

// A^T m: the points of a tile, to its two pixels.
struct TilePixels {
  static constexpr int kFrom = 4, kTo = 2;
  static PT_FN void apply(const WinogradVector (&m)[4], WinogradVector (&to)[2]) {
    to[0] = WinogradLanes::add(WinogradLanes::add(m[0], m[1]), m[2]);
    to[1] = WinogradLanes::sub(WinogradLanes::sub(m[1], m[2]), m[3]);
  }
};

// A y: the transpose of that, for the gradient of the two pixels.
struct GradPoints {
  static constexpr int kFrom = 2, kTo = 4;
  static PT_FN void apply(const WinogradVector (&y)[2], WinogradVector (&to)[4]) {
    to[0] = y[0];
    to[1] = WinogradLanes::add(y[0], y[1]);
    to[2] = WinogradLanes::sub(y[0], y[1]);
    to[3] = WinogradLanes::sub(WinogradLanes::fill(0), y[1]);
  }
};

// G^T m: the transpose of WeightPoints, to the gradient of three taps.
struct GradTaps {
  static constexpr int kFrom = 4, kTo = 3;
  static PT_FN void apply(const WinogradVector (&m)[4], WinogradVector (&to)[3]) {
    const WinogradVector half = WinogradLanes::fill(0.5f);
    const WinogradVector sum = WinogradLanes::mul(WinogradLanes::add(m[1], m[2]), half);
    to[0] = WinogradLanes::add(m[0], sum);
    to[1] = WinogradLanes::mul(WinogradLanes::sub(m[1], m[2]), half);
    to[2] = WinogradLanes::add(sum, m[3]);
  }
};

// Of a lambda: what a vector goes through must stay in registers.
#define PT_INLINED __attribute__((always_inline))

// M d M^T of a square: load(i, j) gives its elements, store(i, j, x) takes those of the result.
template <class Matrix, class Load, class Store>
PT_FN void transform_square(Load load, Store store) {
  constexpr int kFrom = Matrix::kFrom, kTo = Matrix::kTo;
  WinogradVector rows[kTo][kFrom];
#pragma GCC unroll 4
  for (int j = 0; j < kFrom; ++j) {
    WinogradVector column[kFrom], done[kTo];
#pragma GCC unroll 4
    for (int i = 0; i < kFrom; ++i) column[i] = load(i, j);
    Matrix::apply(column, done);
#pragma GCC unroll 4
    for (int i = 0; i < kTo; ++i) rows[i][j] = done[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < kTo; ++i) {
    WinogradVector done[kTo];
    Matrix::apply(rows[i], done);
#pragma GCC unroll 4
    for (int j = 0; j < kTo; ++j) store(i, j, done[j]);
  }
}

// Calls of(channel, load, store) for vectors of `channels` channels: load(p) and store(p, x) know how many are left.
template <class Of>
PT_FN void for_channels(int64_t channels, Of of) {
  constexpr int64_t kLanes = WinogradLanes::lanes;
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes)
    of(
        c, [](const float* p) PT_INLINED { return WinogradLanes::load(p); },
        [](float* p, WinogradVector x) PT_INLINED { WinogradLanes::store(p, x); });
  const int64_t n = channels - c;
  if (n > 0)
    of(
        c, [n](const float* p) PT_INLINED { return WinogradLanes::load_n(p, n); },
        [n](float* p, WinogradVector x) PT_INLINED { WinogradLanes::store_n(p, x, n); });
}

}  // namespace PT_ISA
}  // namespace pt
