// What the CUDA plan of a convolution tells its kernels: a product whose left operand is read from an image.
#pragma once
#include "cuda/space.h"
#include "ops/conv2d/desc.h"
#include "ops/matmul/cuda_epilogue_desc.h"

namespace pt::cuda {

struct ConvProduct {
  TileProduct product;
  ConvGather gather;
  ConvScatter scatter;
  bool scattered;  // else rows of the result follow each other
  Divisor grid_w, grid_h, taps_x, inner;
  // Elements of the weights: from tap to tap, from channel to channel of a tap, and between columns of the product.
  int64_t weight_tap_y, weight_tap_x, weight_inner, weight_col;
  int64_t weight_first;  // of the first tap
};

using FollowedConv = Followed<ConvProduct>;

// Several products in one launch, as the gradient of an image by a stride needs them: one after the other by tiles.
constexpr int kMostClasses = 4;
struct ConvClasses {
  ConvProduct of[kMostClasses];
  int64_t first_tile[kMostClasses + 1];
  int32_t count;
};
using FollowedClasses = Followed<ConvClasses>;
static_assert(sizeof(FollowedClasses) <= 3500);

inline TileProduct& product_of_params(ConvProduct& params) { return params.product; }

}  // namespace pt::cuda
