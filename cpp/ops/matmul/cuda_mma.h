// The tiles of products of f16 and bf16, by the matrix instructions of warps (cuda/mma.h), with sums in f32. An operand
// keeps in shared memory the order in which it was read, [line][k] or [k][line]: matrices are turned when they are
// loaded from there. A few elements between rows keep the 8 rows of such a matrix in different banks.
#pragma once
#include "cuda/mma.h"
#include "ops/matmul/cuda_strided.h"

namespace pt::cuda {

template <int kRowsOfTile, int kColsOfTile, int kWarpsDown, int kWarpsAcross>
struct WarpShape {
  static constexpr int kRows = kRowsOfTile, kCols = kColsOfTile, kDepth = 32;
  static constexpr int kThreads = kWarpsDown * kWarpsAcross * kWarp, kAcross = kWarpsAcross;
  static constexpr int kRowsEach = kRows / kWarpsDown, kColsEach = kCols / kWarpsAcross;  // of a warp
};
using LargeWarps = WarpShape<128, 128, 2, 4>;
using MediumWarps = WarpShape<64, 64, 2, 2>;

constexpr int kBetweenRows = 8;

template <int kLines, int kDepth>
constexpr int kHalvesOf = kLines*(kDepth + kBetweenRows) > kDepth*(kLines + kBetweenRows)
                              ? kLines*(kDepth + kBetweenRows)
                              : kDepth*(kLines + kBetweenRows);

template <class Shape>
struct WarpMemory {
  alignas(16) uint16_t left[2][kHalvesOf<Shape::kRows, Shape::kDepth>];
  alignas(16) uint16_t right[2][kHalvesOf<Shape::kCols, Shape::kDepth>];
};

template <int kLines, int kDepth>
PT_DEVICE int half_at(bool along_k, int line, int k) {
  return along_k ? line * (kDepth + kBetweenRows) + k : k * (kLines + kBetweenRows) + line;
}

template <int kLines, int kDepth, int kThreads, class Source>
PT_DEVICE void keep_halves(const Source& source, const uint16_t* held, uint16_t* shared) {
  if (source.vectors) {
    each_brought<kLines, kDepth, kThreads, kVector<uint16_t>>(source.along_k, [&](int e, int line, int k) {
      Pack<uint16_t, kVector<uint16_t>> some;
#pragma unroll
      for (int j = 0; j < kVector<uint16_t>; ++j) some.at[j] = held[e + j];
      *reinterpret_cast<Pack<uint16_t, kVector<uint16_t>>*>(shared + half_at<kLines, kDepth>(source.along_k, line, k)) =
          some;
    });
  } else {
    each_brought<kLines, kDepth, kThreads, 1>(source.along_k, [&](int e, int line, int k) {
      shared[half_at<kLines, kDepth>(source.along_k, line, k)] = held[e];
    });
  }
}

// 16 rows of the left operand by 16 of K; and 16 columns of the right one, two matrices of 8.
template <int kLines, int kDepth>
PT_DEVICE void load_left(const uint16_t* shared, bool along_k, int line, int k, uint32_t (&to)[4]) {
  const int lane = int(threadIdx.x) % kWarp;
  if (along_k) {
    load_matrices<4>(to, shared + half_at<kLines, kDepth>(true, line + lane % 16, k + lane / 16 * 8));
  } else {
    load_matrices<4, true>(
        to, shared + half_at<kLines, kDepth>(false, line + lane / 8 % 2 * 8, k + lane / 16 * 8 + lane % 8));
  }
}
template <int kLines, int kDepth>
PT_DEVICE void load_right(const uint16_t* shared, bool along_k, int line, int k, uint32_t (&to)[4]) {
  const int lane = int(threadIdx.x) % kWarp;
  if (along_k) {
    load_matrices<4>(to, shared + half_at<kLines, kDepth>(true, line + lane / 16 * 8 + lane % 8, k + lane / 8 % 2 * 8));
  } else {
    load_matrices<4, true>(to, shared + half_at<kLines, kDepth>(false, line + lane / 16 * 8, k + lane % 16));
  }
}

template <class Shape>
struct WarpSums {
  float at[Shape::kRowsEach / 16][Shape::kColsEach / 8][4];
};

template <bool kBfloat, class Shape>
PT_DEVICE void multiply_halves(const uint16_t* left, bool left_along_k, const uint16_t* right, bool right_along_k,
                               WarpSums<Shape>& sums) {
  const int warp = int(threadIdx.x) / kWarp;
  const int row = warp / Shape::kAcross * Shape::kRowsEach, col = warp % Shape::kAcross * Shape::kColsEach;
#pragma unroll
  for (int k = 0; k < Shape::kDepth; k += 16) {
    uint32_t b[Shape::kColsEach / 16][4];
#pragma unroll
    for (int j = 0; j < Shape::kColsEach / 16; ++j)
      load_right<Shape::kCols, Shape::kDepth>(right, right_along_k, col + 16 * j, k, b[j]);
#pragma unroll
    for (int i = 0; i < Shape::kRowsEach / 16; ++i) {
      uint32_t a[4];
      load_left<Shape::kRows, Shape::kDepth>(left, left_along_k, row + 16 * i, k, a);
#pragma unroll
      for (int j = 0; j < Shape::kColsEach / 8; ++j) {
        const uint32_t some[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
        kBfloat ? mma_bf16(sums.at[i][j], a, some) : mma_f16(sums.at[i][j], a, some);
      }
    }
  }
}

// As multiply_tile, of sources of uint16_t.
template <bool kBfloat, class Shape, class Left, class Right, class Store>
PT_DEVICE void multiply_warps(WarpMemory<Shape>& memory, const Left& left, const Right& right, int64_t row, int64_t col,
                              int64_t k, int64_t k_end, const Store& store) {
  constexpr int kThreads = Shape::kThreads, kDepth = Shape::kDepth, kRows = Shape::kRows, kCols = Shape::kCols;
  uint16_t held_left[kRows * kDepth / kThreads], held_right[kCols * kDepth / kThreads];
  WarpSums<Shape> sums = {};
  const auto bring_both = [&](int64_t at) {
    bring<kRows, kDepth, kThreads>(left, row, at, held_left);
    bring<kCols, kDepth, kThreads>(right, col, at, held_right);
  };
  const auto keep_both = [&](int stage) {
    keep_halves<kRows, kDepth, kThreads>(left, held_left, memory.left[stage]);
    keep_halves<kCols, kDepth, kThreads>(right, held_right, memory.right[stage]);
    __syncthreads();
  };
  if (k < k_end) {
    bring_both(k);
    keep_both(0);
  }
  for (int stage = 0; k < k_end; k += kDepth, stage ^= 1) {
    const bool more = k + kDepth < k_end;
    if (more) bring_both(k + kDepth);
    multiply_halves<kBfloat>(memory.left[stage], left.along_k, memory.right[stage], right.along_k, sums);
    if (more) keep_both(stage ^ 1);
  }
  const int warp = int(threadIdx.x) / kWarp, lane = int(threadIdx.x) % kWarp;
  const int64_t at_row = row + warp / Shape::kAcross * Shape::kRowsEach + lane / 4;
  const int64_t at_col = col + warp % Shape::kAcross * Shape::kColsEach + lane % 4 * 2;
#pragma unroll
  for (int i = 0; i < Shape::kRowsEach / 16; ++i) {
#pragma unroll
    for (int j = 0; j < Shape::kColsEach / 8; ++j) {
      const float(&c)[4] = sums.at[i][j];
      store(at_row + 16 * i, at_col + 8 * j, Pack<float, 2>{{c[0], c[1]}});
      store(at_row + 16 * i + 8, at_col + 8 * j, Pack<float, 2>{{c[2], c[3]}});
    }
  }
}

}  // namespace pt::cuda
