// The pixels of tiles and around them, transformed to points.
#pragma once
#include "ops/conv2d/winograd_points.h"
#include "ops/matmul/tile.h"

namespace pt {
namespace PT_ISA {

// Columns that are multiplied at once.
inline constexpr int64_t kWinogradPanel = kTileVectors * Register<float>::kLanes;
static_assert(kWinogradCols % kWinogradPanel == 0 && kWinogradPanel % WinogradLanes::lanes == 0);

// Tiles one after the other: of the columns [begin, end) of each row of tiles, counted over all images.
struct TileWalk {
  const WinogradTiles& tiles;
  int64_t begin, end, row, col;

  int64_t image() const { return row / tiles.rows; }
  int64_t y() const { return row % tiles.rows * kWinogradStep; }  // of the first pixel
  int64_t x() const { return col * kWinogradStep; }
  void next() {
    if (++col == end) col = begin, ++row;
  }
};

alignas(64) static const float kOutside[kWinogradDepth] = {};

// Side x side pixels of an image of such a size, from (y, x) on: where the channels of each begin, zeros outside.
template <int Side>
inline void find_pixels(const float* image, int64_t height, int64_t width, int64_t channels, int64_t y, int64_t x,
                        const float* (&pixel)[Side * Side]) {
  for (int64_t i = 0; i < Side; ++i)
    for (int64_t j = 0; j < Side; ++j) {
      const bool inside = y + i >= 0 && y + i < height && x + j >= 0 && x + j < width;
      pixel[Side * i + j] = inside ? image + ((y + i) * width + x + j) * channels : kOutside;
    }
}

// The lines of pixels that a tile a few further along its row reads first: they come from memory while this one is
// transformed. Behind the end of a row it is the next one's.
inline constexpr int64_t kWinogradAhead = 2;
template <int Side>
PT_FN void fetch_pixels(const float* const (&pixel)[Side * Side], int64_t channels, int64_t c) {
#pragma GCC unroll 4
  for (int i = 0; i < Side; ++i)
#pragma GCC unroll 2
    for (int j = Side - kWinogradStep; j < Side; ++j)
      __builtin_prefetch(pixel[Side * i + j] + kWinogradAhead * kWinogradStep * channels + c);
}

// points[p][tile][channel] of so many tiles, from the pixels around them; rows of channels are `row` apart. source: its
// first channel. At most kWinogradDepth channels.
inline void transform_source(const ConvGather& g, TileWalk walk, int64_t tiles, const float* source, int64_t channels,
                             float* points, int64_t row, int64_t point) {
  for (int64_t t = 0; t < tiles; ++t, walk.next(), points += row) {
    const float* pixel[kWinogradPoints];
    find_pixels<kWinogradSide>(source + walk.image() * g.source_h * g.source_w * g.channels, g.source_h, g.source_w,
                               g.channels, walk.y() + walk.tiles.first_y, walk.x() + walk.tiles.first_x, pixel);
    for_channels(channels, [&](int64_t c, auto load, auto) PT_INLINED {
      fetch_pixels<kWinogradSide>(pixel, g.channels, c);
      transform_square<SourcePoints>([&](int i, int j) PT_INLINED { return load(pixel[kWinogradSide * i + j] + c); },
                                     [&](int i, int j, WinogradVector x) PT_INLINED {
                                       WinogradLanes::store(points + (kWinogradSide * i + j) * point + c, x);
                                     });
    });
  }
}

}  // namespace PT_ISA
}  // namespace pt
