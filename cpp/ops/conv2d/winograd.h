// Convolutions of 3 x 3 taps by tiles of 2 x 2 pixels: what their plan and their kernels share. A tile and its
// surroundings, 4 x 4 pixels, become 16 points, each a product of its own over the channels: 16 multiply-adds in place
// of 36. Source: Lavin & Gray 2016, F(2 x 2, 3 x 3).
#pragma once
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/conv2d/desc.h"

namespace pt {

inline constexpr int64_t kWinogradSide = 4;  // pixels of a tile and its surroundings, along an axis
inline constexpr int64_t kWinogradPoints = kWinogradSide * kWinogradSide;
inline constexpr int64_t kWinogradTaps = 3, kWinogradStep = 2;  // along an axis: taps, and pixels of a tile

// The order of the sums. Of a result and of the gradient of the input: chains over so many channels, added ascending.
inline constexpr int64_t kWinogradDepth = 128;
// Of the gradient of the weights: chains over so many tiles, added ascending within groups; groups add ascending.
inline constexpr int64_t kWinogradTileDepth = 64;
inline constexpr int64_t kWinogradMostGroups = 16;
inline constexpr int64_t kWinogradLeastGroup = 512;  // tiles

inline constexpr int64_t kWinogradCols = 32;  // a multiple of what a panel of any instruction set has
inline constexpr int64_t kWinogradLine = 16;  // elements between points: a power of two apart they share cache sets

// A grid of tiles over `images` images of height x width pixels: of the result, or of what its gradient is.
struct WinogradTiles {
  int64_t images, height, width;
  int64_t rows, cols;        // tiles of an image
  int64_t first_y, first_x;  // the pixel of the source that the first tile's surroundings begin with
  int64_t all() const { return images * rows * cols; }
};

// Weights as they are multiplied: [block of K][block of columns][point][panel][k][column].
struct WinogradWeights {
  int64_t depth, cols;
  int64_t tap_y, tap_x, row, col;  // element strides of the weights that are read; row or col is 1
  int64_t first;                   // their first tap

  static constexpr int64_t kDepth = kWinogradDepth;
  int64_t depth_blocks() const { return ceil_div(depth, kDepth); }
  int64_t col_blocks() const { return ceil_div(cols, kWinogradCols); }
  int64_t point() const { return least(depth, kDepth) * kWinogradCols + kWinogradLine; }  // elements
  int64_t block() const { return kWinogradPoints * point(); }
  int64_t elements() const { return depth_blocks() * col_blocks() * block(); }
};

// How the tiles are cut into chunks, and where a chunk keeps what it computes: elements behind layout.left_block. None
// of it can change a bit of the result.
struct WinogradCut {
  int64_t tile_rows;  // of a chunk, counted over all images
  int64_t tile_cols;  // less than a row has only where tile_rows is 1
  int64_t cols;       // columns of C, whole blocks
  int64_t row_chunks, tile_col_chunks, col_chunks;
  bool turns_weights;  // a chunk transforms the weights that it reads, since no other one reads them
  int64_t sums_at, weights_at;

  int64_t tiles() const { return tile_rows * tile_cols; }
};

struct WinogradDesc {
  ConvDesc conv;  // first, so that a descriptor can be read as one
  WinogradTiles tiles;
  WinogradWeights weights;
  WinogradCut cut;
};

// The gradient of the weights: 16 products of channels in by channels out, whose K are the tiles.
struct WinogradGradDesc {
  ConvDesc conv;  // first
  WinogradTiles tiles;
  int64_t group;               // tiles of a group
  int64_t row_side, col_side;  // channels of a chunk
  int64_t row_blocks, col_blocks;
  int64_t right_at, sums_at;  // elements behind layout.left_block

  int64_t groups() const { return ceil_div(tiles.all(), group); }
  int64_t point() const { return row_side * col_side + kWinogradLine; }
  int64_t sums() const { return kWinogradPoints * point(); }  // elements of a chunk
};

inline constexpr int64_t kWinogradFinished = 8;  // channels in of a chunk that adds groups

namespace PT_ISA {

void winograd(const KernelArgs* args, int64_t chunk);
void winograd_weights(const KernelArgs* args, int64_t chunk);
void winograd_grad(const KernelArgs* args, int64_t chunk);
void winograd_grad_groups(const KernelArgs* args, int64_t chunk);

}  // namespace PT_ISA
}  // namespace pt
