// Matrix products: f32 and f64 in scalar arithmetic; f16 and bf16 by matrix instructions; mixes of f32 with them
// widened on their way to shared memory. Blocks walk over tiles. The operands are left, right, and C or the workspace.
#include "cuda/kernel.h"
#include "ops/matmul/cuda_kernels.h"
#include "ops/matmul/cuda_strided.h"

namespace pt::cuda {
namespace {

template <class T, class Shape, bool kConverts>
PT_DEVICE void multiply_tiles(const Operands<3>& operands, const TileProduct& p, TileMemory<T, Shape>& memory) {
  for (int64_t tile = blockIdx.x; tile < p.tiles(); tile += gridDim.x) {
    const TilePlace place = tile_place<Shape>(p, tile);
    const auto left = left_source<T, kConverts>(p, operands.at[0], place.batch);
    const auto right = right_source<T, kConverts>(p, operands.at[1], place.batch);
    const auto result = result_of<T>(p, operands.at[2], place);
    multiply_tile(memory, left, right, place.row, place.col, place.split * p.split_depth, split_end(p, place), result);
    __syncthreads();  // the next tile writes where this one was read
  }
}

template <bool kBfloat, class Shape>
PT_DEVICE void multiply_half_tiles(const Operands<3>& operands, const TileProduct& p, WarpMemory<Shape>& memory) {
  for (int64_t tile = blockIdx.x; tile < p.tiles(); tile += gridDim.x) {
    const TilePlace place = tile_place<Shape>(p, tile);
    const auto left = left_source<uint16_t, false>(p, operands.at[0], place.batch);
    const auto right = right_source<uint16_t, false>(p, operands.at[1], place.batch);
    const auto result = result_of<float>(p, operands.at[2], place);
    multiply_warps<kBfloat>(memory, left, right, place.row, place.col, place.split * p.split_depth, split_end(p, place),
                            result);
    __syncthreads();
  }
}

}  // namespace
}  // namespace pt::cuda

PT_TILE_KERNELS(matmul, TileProduct, multiply_tiles)
PT_WARP_KERNELS(matmul, TileProduct, multiply_half_tiles)

PT_CUDA_KERNEL(matmul_add_splits_f32, 2, pt::cuda::TileProduct, 256) {
  pt::cuda::add_splits<float>(params, operands.at[0], operands.at[1]);
}
PT_CUDA_KERNEL(matmul_add_splits_f64, 2, pt::cuda::TileProduct, 256) {
  pt::cuda::add_splits<double>(params, operands.at[0], operands.at[1]);
}
