// Matrix products that are followed by operations on their elements (cuda_epilogue.h). The operands are left, right and
// those of the operations; of add_splits the sums of all parts of K stand in place of left.
#include "cuda/kernel.h"
#include "ops/matmul/cuda_epilogue.h"
#include "ops/matmul/cuda_strided.h"

namespace pt::cuda {
namespace {

// multiply(place, left, right, finish) computes a tile and hands its values on.
template <class T, class Shape, class Multiply>
PT_DEVICE void each_tile(const EpilogueOperands& operands, const EpilogueProduct& params, const Multiply& multiply) {
  const TileProduct& p = params.product;
  for (int64_t tile = blockIdx.x; tile < p.tiles(); tile += gridDim.x) {
    const TilePlace place = tile_place<Shape>(p, tile);
    multiply(place, left_source<T, false>(p, operands.at[0], place.batch),
             right_source<T, false>(p, operands.at[1], place.batch),
             [&](int row, int col, float(&values)[kRun], float* kept) {
               if (place.row + row < p.rows)
                 run_epilogue(operands, p, params.then, place.batch, place.row + row, place.col + col, values, kept);
             });
    __syncthreads();  // the next tile writes where this one was read
  }
}

template <class Shape>
PT_DEVICE void multiply_tiles(const EpilogueOperands& operands, const EpilogueProduct& params,
                              TileMemory<float, Shape>& memory) {
  each_tile<float, Shape>(operands, params,
                          [&](const TilePlace& place, const auto& left, const auto& right, const auto& finish) {
                            TileSums<float, Shape> sums = {};
                            add_tile(memory, left, right, place.row, place.col, 0, params.product.depth, sums);
                            finish_tile(sums, memory, finish);
                          });
}

template <bool kBfloat, class Shape>
PT_DEVICE void multiply_half_tiles(const EpilogueOperands& operands, const EpilogueProduct& params,
                                   WarpMemory<Shape>& memory) {
  each_tile<uint16_t, Shape>(
      operands, params, [&](const TilePlace& place, const auto& left, const auto& right, const auto& finish) {
        WarpSums<Shape> sums = {};
        add_warps<kBfloat>(memory, left, right, place.row, place.col, 0, params.product.depth, sums);
        finish_warps(sums, memory, finish);
      });
}

}  // namespace
}  // namespace pt::cuda

#define PT_TILE_EPILOGUE(name, Shape)                                                         \
  PT_CUDA_KERNEL(matmul_then_f32_##name, pt::cuda::kFirstOther + pt::cuda::kEpilogueOperands, \
                 pt::cuda::EpilogueProduct, pt::cuda::Shape::kThreads) {                      \
    __shared__ pt::cuda::TileMemory<float, pt::cuda::Shape> memory;                           \
    pt::cuda::multiply_tiles(operands, params, memory);                                       \
  }
#define PT_WARP_EPILOGUE(name, bfloat, Shape)                                                                        \
  PT_CUDA_KERNEL(matmul_then_##name, pt::cuda::kFirstOther + pt::cuda::kEpilogueOperands, pt::cuda::EpilogueProduct, \
                 pt::cuda::Shape::kThreads) {                                                                        \
    __shared__ pt::cuda::WarpMemory<pt::cuda::Shape> memory;                                                         \
    pt::cuda::multiply_half_tiles<bfloat>(operands, params, memory);                                                 \
  }

PT_TILE_EPILOGUE(large, LargeTile)
PT_TILE_EPILOGUE(medium, MediumTile)
PT_TILE_EPILOGUE(small, SmallTile)
PT_WARP_EPILOGUE(bf16_large, true, LargeWarps)
PT_WARP_EPILOGUE(bf16_medium, true, MediumWarps)
PT_WARP_EPILOGUE(f16_large, false, LargeWarps)
PT_WARP_EPILOGUE(f16_medium, false, MediumWarps)

PT_CUDA_KERNEL(matmul_then_add_splits, pt::cuda::kFirstOther + pt::cuda::kEpilogueOperands, pt::cuda::EpilogueProduct,
               256) {
  using namespace pt::cuda;
  const TileProduct& p = params.product;
  const int64_t runs = (p.cols + kRun - 1) / kRun, count = p.batches * p.rows * p.cols;
  for (int64_t i = global_thread(); i < p.batches * p.rows * runs; i += global_threads()) {
    const int64_t col = i % runs * kRun, row = i / runs % p.rows, batch = i / runs / p.rows;
    const float* part = reinterpret_cast<const float*>(operands.at[0]) + (batch * p.rows + row) * p.cols + col;
    float values[kRun];
#pragma unroll
    for (int e = 0; e < kRun; ++e) values[e] = col + e < p.cols ? part[e] : 0.0f;
    for (int64_t split = 1; split < p.splits; ++split) {
      part += count;
#pragma unroll
      for (int e = 0; e < kRun; ++e)
        if (col + e < p.cols) values[e] += part[e];
    }
    float kept[kRun];
    run_epilogue(operands, p, params.then, batch, row, col, values, kept);
  }
}
