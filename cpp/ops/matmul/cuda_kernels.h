// The kernels of products, by names that plans put together (plan_cuda.h): prefix, kind of the operands, shape of the
// tiles. `work` is a function template over the tiles' types.
#pragma once
#include "ops/matmul/cuda_mma.h"
#include "ops/matmul/cuda_tile.h"

#define PT_TILE_KERNEL(name, Params, work, T, Shape, converts)              \
  PT_CUDA_KERNEL(name, 3, pt::cuda::Params, pt::cuda::Shape::kThreads) {    \
    __shared__ pt::cuda::TileMemory<T, pt::cuda::Shape> memory;             \
    pt::cuda::work<T, pt::cuda::Shape, converts>(operands, params, memory); \
  }
#define PT_TILE_KERNELS(prefix, Params, work)                                  \
  PT_TILE_KERNEL(prefix##_f32_large, Params, work, float, LargeTile, false)    \
  PT_TILE_KERNEL(prefix##_f32_medium, Params, work, float, MediumTile, false)  \
  PT_TILE_KERNEL(prefix##_f32_small, Params, work, float, SmallTile, false)    \
  PT_TILE_KERNEL(prefix##_mixed_medium, Params, work, float, MediumTile, true) \
  PT_TILE_KERNEL(prefix##_mixed_small, Params, work, float, SmallTile, true)   \
  PT_TILE_KERNEL(prefix##_f64_medium, Params, work, double, MediumTile, false) \
  PT_TILE_KERNEL(prefix##_f64_small, Params, work, double, SmallTile, false)

// By matrix instructions.
#define PT_WARP_KERNEL(name, Params, work, bfloat, Shape)                \
  PT_CUDA_KERNEL(name, 3, pt::cuda::Params, pt::cuda::Shape::kThreads) { \
    __shared__ pt::cuda::WarpMemory<pt::cuda::Shape> memory;             \
    pt::cuda::work<bfloat>(operands, params, memory);                    \
  }
#define PT_WARP_KERNELS(prefix, Params, work)                           \
  PT_WARP_KERNEL(prefix##_bf16_large, Params, work, true, LargeWarps)   \
  PT_WARP_KERNEL(prefix##_bf16_medium, Params, work, true, MediumWarps) \
  PT_WARP_KERNEL(prefix##_f16_large, Params, work, false, LargeWarps)   \
  PT_WARP_KERNEL(prefix##_f16_medium, Params, work, false, MediumWarps)
