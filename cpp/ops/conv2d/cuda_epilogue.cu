// Convolutions that are followed by operations on their elements (ops/matmul/cuda_epilogue.h). The operands are left,
// right and those of the operations.
#include "cuda/kernel.h"
#include "ops/conv2d/cuda_gather.h"
#include "ops/matmul/cuda_epilogue.h"

namespace pt::cuda {
namespace {

// Rows are pixels, or taps of the gradient of the weights. `tile` is one of this product.
template <class T, class Shape, bool kWeights, class Multiply>
PT_DEVICE void one_conv_tile(const EpilogueOperands& operands, const ConvProduct& p, const Epilogue& then, int64_t tile,
                             const Multiply& multiply) {
  const TileProduct& product = p.product;
  const TilePlace place = tile_place<Shape>(product, tile);
  const GatheredImage<T, false, !kWeights> left(p, operands.at[0], place.batch);
  const auto finish = [&](int row, int col, float(&values)[kRun], float* kept) {
    if (place.row + row < product.rows)
      run_epilogue(operands, product, then, place.batch, scattered_pixel(p, place.row + row), place.col + col, values,
                   kept);
  };
  if constexpr (kWeights)
    multiply(place, product.depth, left, right_source<T, false>(product, operands.at[1], place.batch), finish);
  else
    multiply(place, product.depth, left, TapWeights<T, false>(p, operands.at[1], place.batch), finish);
  __syncthreads();  // the next tile writes where this one was read
}

template <class T, class Shape, bool kWeights, class Multiply>
PT_DEVICE void each_conv_tile(const EpilogueOperands& operands, const FollowedConv& params, const Multiply& multiply) {
  for (int64_t tile = blockIdx.x; tile < params.product.product.tiles(); tile += gridDim.x)
    one_conv_tile<T, Shape, kWeights>(operands, params.product, params.then, tile, multiply);
}
template <class T, class Shape, bool, class Multiply>
PT_DEVICE void each_conv_tile(const EpilogueOperands& operands, const FollowedClasses& params,
                              const Multiply& multiply) {
  const ConvClasses& classes = params.product;
  for (int64_t tile = blockIdx.x; tile < classes.first_tile[classes.count]; tile += gridDim.x) {
    int number = 0;
    while (tile >= classes.first_tile[number + 1]) ++number;
    one_conv_tile<T, Shape, false>(operands, classes.of[number], params.then, tile - classes.first_tile[number],
                                   multiply);
  }
}

template <class Shape>
using FloatMemory = TileMemory<float, Shape>;

template <bool kWeights, class Params, class Shape>
PT_DEVICE void convolve_tiles(const EpilogueOperands& operands, const Params& params,
                              TileMemory<float, Shape>& memory) {
  each_conv_tile<float, Shape, kWeights>(
      operands, params,
      [&](const TilePlace& place, int64_t depth, const auto& left, const auto& right, const auto& finish) {
        TileSums<float, Shape> sums = {};
        add_tile(memory, left, right, place.row, place.col, 0, depth, sums);
        finish_tile(sums, memory, finish);
      });
}

template <bool kBfloat, bool kWeights, class Params, class Shape>
PT_DEVICE void convolve_half_tiles(const EpilogueOperands& operands, const Params& params, WarpMemory<Shape>& memory) {
  each_conv_tile<uint16_t, Shape, kWeights>(
      operands, params,
      [&](const TilePlace& place, int64_t depth, const auto& left, const auto& right, const auto& finish) {
        WarpSums<Shape> sums = {};
        add_warps<kBfloat>(memory, left, right, place.row, place.col, 0, depth, sums);
        finish_warps(sums, memory, finish);
      });
}

}  // namespace
}  // namespace pt::cuda

#define PT_CONV_KERNEL(name, Params, Memory, Shape, ...)                                      \
  PT_CUDA_KERNEL(name, pt::cuda::kFirstOther + pt::cuda::kEpilogueOperands, pt::cuda::Params, \
                 pt::cuda::Shape::kThreads) {                                                 \
    __shared__ pt::cuda::Memory<pt::cuda::Shape> memory;                                      \
    pt::cuda::__VA_ARGS__(operands, params, memory);                                          \
  }
#define PT_CONV_KERNELS(prefix, Params, weights)                                                            \
  PT_CONV_KERNEL(prefix##_f32_large, Params, FloatMemory, LargeTile, convolve_tiles<weights>)               \
  PT_CONV_KERNEL(prefix##_f32_medium, Params, FloatMemory, MediumTile, convolve_tiles<weights>)             \
  PT_CONV_KERNEL(prefix##_f32_small, Params, FloatMemory, SmallTile, convolve_tiles<weights>)               \
  PT_CONV_KERNEL(prefix##_bf16_large, Params, WarpMemory, LargeWarps, convolve_half_tiles<true, weights>)   \
  PT_CONV_KERNEL(prefix##_bf16_medium, Params, WarpMemory, MediumWarps, convolve_half_tiles<true, weights>) \
  PT_CONV_KERNEL(prefix##_f16_large, Params, WarpMemory, LargeWarps, convolve_half_tiles<false, weights>)   \
  PT_CONV_KERNEL(prefix##_f16_medium, Params, WarpMemory, MediumWarps, convolve_half_tiles<false, weights>)

PT_CONV_KERNELS(conv2d_then, FollowedConv, false)
PT_CONV_KERNELS(conv2d_weight_then, FollowedConv, true)
PT_CONV_KERNELS(conv2d_classes, FollowedClasses, false)
