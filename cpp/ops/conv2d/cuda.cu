// Convolutions as products over images that are gathered while tiles of them are brought to shared memory: nothing is
// unfolded in memory. The convolution and the gradient of its input have pixels as rows and sum over taps; the gradient
// of the weights has taps as rows and sums over pixels, in parts. With one channel per group a thread sums the taps of
// its element. Source: Chetlur et al. 2014.
#include "cuda/kernel.h"
#include "ops/conv2d/cuda_gather.h"
#include "ops/matmul/cuda_kernels.h"

namespace pt::cuda {
namespace {

template <class T, class Shape, bool kConverts>
PT_DEVICE void convolve_tiles(const Operands<3>& operands, const ConvProduct& p, TileMemory<T, Shape>& memory) {
  const TileProduct& product = p.product;
  for (int64_t tile = blockIdx.x; tile < product.tiles(); tile += gridDim.x) {
    const TilePlace place = tile_place<Shape>(product, tile);
    const GatheredImage<T, kConverts, true> left(p, operands.at[0], place.batch);
    const TapWeights<T, kConverts> right(p, operands.at[1], place.batch);
    const ScatteredResult<T> result(p, operands.at[2], place);
    multiply_tile(memory, left, right, place.row, place.col, place.split * product.split_depth,
                  split_end(product, place), result);
    __syncthreads();  // the next tile writes where this one was read
  }
}

template <class T, class Shape, bool kConverts>
PT_DEVICE void weight_gradient_tiles(const Operands<3>& operands, const ConvProduct& p, TileMemory<T, Shape>& memory) {
  const TileProduct& product = p.product;
  for (int64_t tile = blockIdx.x; tile < product.tiles(); tile += gridDim.x) {
    const TilePlace place = tile_place<Shape>(product, tile);
    const GatheredImage<T, kConverts, false> left(p, operands.at[0], place.batch);
    const auto right = right_source<T, kConverts>(product, operands.at[1], place.batch);
    const auto result = result_of<T>(product, operands.at[2], place);
    multiply_tile(memory, left, right, place.row, place.col, place.split * product.split_depth,
                  split_end(product, place), result);
    __syncthreads();
  }
}

template <bool kBfloat, class Shape>
PT_DEVICE void convolve_half_tiles(const Operands<3>& operands, const ConvProduct& p, WarpMemory<Shape>& memory) {
  const TileProduct& product = p.product;
  for (int64_t tile = blockIdx.x; tile < product.tiles(); tile += gridDim.x) {
    const TilePlace place = tile_place<Shape>(product, tile);
    const GatheredImage<uint16_t, false, true> left(p, operands.at[0], place.batch);
    const TapWeights<uint16_t, false> right(p, operands.at[1], place.batch);
    const ScatteredResult<float> result(p, operands.at[2], place);
    multiply_warps<kBfloat>(memory, left, right, place.row, place.col, place.split * product.split_depth,
                            split_end(product, place), result);
    __syncthreads();
  }
}

template <bool kBfloat, class Shape>
PT_DEVICE void weight_gradient_half_tiles(const Operands<3>& operands, const ConvProduct& p,
                                          WarpMemory<Shape>& memory) {
  const TileProduct& product = p.product;
  for (int64_t tile = blockIdx.x; tile < product.tiles(); tile += gridDim.x) {
    const TilePlace place = tile_place<Shape>(product, tile);
    const GatheredImage<uint16_t, false, false> left(p, operands.at[0], place.batch);
    const auto right = right_source<uint16_t, false>(product, operands.at[1], place.batch);
    const auto result = result_of<float>(product, operands.at[2], place);
    multiply_warps<kBfloat>(memory, left, right, place.row, place.col, place.split * product.split_depth,
                            split_end(product, place), result);
    __syncthreads();
  }
}

// Padding is a zero that is multiplied, so that it meets a weight of NaN or infinity as on the CPU.
template <class T>
PT_DEVICE T load_gathered(const char* image, int64_t from, DType type) {
  return from < 0 ? T(0) : load_float<T>(image, from, type);
}

// One channel per group: neighbouring threads are neighbouring channels.
template <class T>
PT_DEVICE void depthwise_pixels(const Operands<3>& operands, const ConvProduct& p) {
  const TileProduct& product = p.product;
  const int64_t channels = product.cols, count = product.rows * channels;
  for (int64_t i = global_thread(); i < count; i += global_threads()) {
    const int64_t row = i / channels, channel = i - row * channels;
    const GridPixel pixel = grid_pixel(p, row);
    T sum = 0;
    for (int64_t y = 0; y < p.gather.taps_y; ++y) {
      for (int64_t x = 0; x < p.gather.taps_x; ++x) {
        const T value = load_gathered<T>(operands.at[0], gathered(p, pixel, {y, x, channel}), product.left_type);
        const int64_t weight = y * p.weight_tap_y + x * p.weight_tap_x + channel;
        sum = fma(value, load_float<T>(operands.at[1], weight, product.right_type), sum);
      }
    }
    store_float(operands.at[2], scattered_pixel(p, row) * channels + channel, product.out_type, sum);
  }
}

// A block sums 32 channels of one tap over one part of the pixels, 8 of them at once.
constexpr int kPixelLanes = 8;

template <class T>
PT_DEVICE void depthwise_weights(const Operands<3>& operands, const ConvProduct& p, T (&partial)[kPixelLanes][kWarp]) {
  const TileProduct& product = p.product;
  const int64_t channels = product.cols, groups = (channels + kWarp - 1) / kWarp;
  const int channel_lane = int(threadIdx.x) % kWarp, pixel_lane = int(threadIdx.x) / kWarp;
  for (int64_t i = blockIdx.x; i < product.splits * product.rows * groups; i += gridDim.x) {
    const int64_t channel = i % groups * kWarp + channel_lane, tap = i / groups % product.rows;
    const int64_t split = i / groups / product.rows, begin = split * product.split_depth;
    const int64_t end = begin + product.split_depth < product.depth ? begin + product.split_depth : product.depth;
    const Divided y = divide(tap, p.taps_x);
    T sum = 0;
    for (int64_t pixel = begin + pixel_lane; channel < channels && pixel < end; pixel += kPixelLanes) {
      const int64_t from = gathered(p, grid_pixel(p, pixel), {y.quotient, y.rest, channel});
      const T value = load_gathered<T>(operands.at[0], from, product.left_type);
      sum = fma(value, load_float<T>(operands.at[1], pixel * channels + channel, product.right_type), sum);
    }
    partial[pixel_lane][channel_lane] = sum;
    __syncthreads();
    if (pixel_lane == 0 && channel < channels) {
      for (int lane = 1; lane < kPixelLanes; ++lane) sum += partial[lane][channel_lane];
      if (product.splits > 1) {
        reinterpret_cast<T*>(operands.at[2])[(split * product.rows + tap) * channels + channel] = sum;
      } else {
        store_float(operands.at[2], tap * channels + channel, product.out_type, sum);
      }
    }
    __syncthreads();
  }
}

}  // namespace
}  // namespace pt::cuda

using pt::cuda::ConvProduct;

PT_TILE_KERNELS(conv2d, ConvProduct, convolve_tiles)
PT_TILE_KERNELS(conv2d_weight, ConvProduct, weight_gradient_tiles)
PT_WARP_KERNELS(conv2d, ConvProduct, convolve_half_tiles)
PT_WARP_KERNELS(conv2d_weight, ConvProduct, weight_gradient_half_tiles)

PT_CUDA_KERNEL(conv2d_depthwise_f32, 3, ConvProduct, 256) { pt::cuda::depthwise_pixels<float>(operands, params); }
PT_CUDA_KERNEL(conv2d_depthwise_f64, 3, ConvProduct, 256) { pt::cuda::depthwise_pixels<double>(operands, params); }
PT_CUDA_KERNEL(conv2d_depthwise_weight_f32, 3, ConvProduct, 256) {
  __shared__ float partial[pt::cuda::kPixelLanes][pt::cuda::kWarp];
  pt::cuda::depthwise_weights<float>(operands, params, partial);
}
PT_CUDA_KERNEL(conv2d_depthwise_weight_f64, 3, ConvProduct, 256) {
  __shared__ double partial[pt::cuda::kPixelLanes][pt::cuda::kWarp];
  pt::cuda::depthwise_weights<double>(operands, params, partial);
}
