// What the plan of a convolution tells its kernels. Each of the three products of a convolution reads one image through
// a gather: pixel (n, a, b) of a grid and tap (i, j) name source pixel (n, a * step_y + first_y + i * tap_y, likewise
// x).
#pragma once
#include "ops/matmul/desc.h"

namespace pt {

struct ConvGather {
  int64_t grid_h, grid_w;  // pixels that the product's axis runs over, per image
  int64_t step_y, step_x;
  int64_t first_y, first_x, tap_y, tap_x;
  int64_t taps_y, taps_x;
  int64_t inner;                         // channels of one tap that are used (of one group)
  int64_t source_h, source_w, channels;  // the image that is read; outside of it are zeros
};

// Where the sums of grid pixel (n, a, b) go: out pixel (n, a * step_y + first_y, b * step_x + first_x).
struct ConvScatter {
  int64_t step_y, step_x, first_y, first_x;
  int64_t out_h, out_w, channels;
};

// What all taps of a pixel reach, relative to its first tap.
struct ConvWindow {
  int64_t top, left, height, width;
  // Of a row that holds what a line of the grid reaches.
  int64_t row_pixels(const ConvGather& g) const { return (g.grid_w - 1) * g.step_x + width; }
};

inline ConvWindow window_of(const ConvGather& g) {
  const int64_t dy = (g.taps_y - 1) * g.tap_y, dx = (g.taps_x - 1) * g.tap_x;
  return {dy < 0 ? dy : 0, dx < 0 ? dx : 0, (dy < 0 ? -dy : dy) + 1, (dx < 0 ? -dx : dx) + 1};
}

// Whether the taps of one row are one run of memory, and how many elements such a run has.
inline bool taps_adjoin(const ConvGather& g) { return g.tap_x == 1 && g.inner == g.channels; }
inline int64_t tap_run(const ConvGather& g) { return taps_adjoin(g) ? g.taps_x * g.inner : g.inner; }

struct ConvDesc {
  MatmulDesc product;  // first, so that a descriptor can be read as one
  ConvGather gather;
  ConvScatter scatter;
  int64_t source_elements;  // of all gathered images
};

// The gradient of the weights gathers along K instead of along rows; add-groups serves both.
enum ConvVariant : int {
  kConvF32 = kProductF32,
  kConvF64 = kProductF64,
  kConvAddGroupsF32 = kAddGroupsF32,
  kConvAddGroupsF64 = kAddGroupsF64,
  kConvWeightF32,
  kConvWeightF64,
  kDepthwiseF32,
  kDepthwiseF64,
  kDepthwiseWeightF32,
  kDepthwiseWeightF64,
  // By tiles of 2 x 2 pixels (winograd.h): pixels, the weights for them, and the gradient of the weights.
  kWinograd,
  kWinogradWeights,
  kWinogradGrad,
  kWinogradGradGroups,
};

inline constexpr int64_t kDepthwiseMaxTaps = kBlockDepth;  // one chain

}  // namespace pt
