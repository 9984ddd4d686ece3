// The tiles of products of f16 and bf16, by the matrix instructions of warps (cuda/mma.h), with sums in f32. An operand
// keeps in shared memory the order in which it was read, [line][k] or [k][line]: matrices are turned when they are
// loaded from there. A few elements between rows keep the 8 rows of such a matrix in different banks.
#pragma once
#include "cuda/async_copy.h"
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

// Begins to copy what the threads bring of an operand. The caller commits and waits.
template <int kLines, int kDepth, int kThreads, class Source>
PT_DEVICE void bring_halves(const Source& source, int64_t line, int64_t k, uint16_t* shared) {
  if (source.vectors) {
    each_brought<kLines, kDepth, kThreads, kVector<uint16_t>>(source.along_k, [&](int, int at_line, int at_k) {
      const void* const from = source.vector_at(line + at_line, k + at_k);
      copy_async<16>(shared + half_at<kLines, kDepth>(source.along_k, at_line, at_k), from ? from : source.at,
                     from ? 16 : 0);
    });
  } else {
#pragma unroll 4  // all at once would want more registers than there are
    for (int i = int(threadIdx.x); i < kLines * kDepth; i += kThreads) {
      const int at_line = source.along_k ? i / kDepth : i % kLines, at_k = source.along_k ? i % kDepth : i / kLines;
      shared[half_at<kLines, kDepth>(source.along_k, at_line, at_k)] = source.load(line + at_line, k + at_k);
    }
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

// As add_tile, of sources of uint16_t. The next part of K is copied in the background while one is multiplied.
template <bool kBfloat, class Shape, class Left, class Right>
PT_DEVICE void add_warps(WarpMemory<Shape>& memory, const Left& left, const Right& right, int64_t row, int64_t col,
                         int64_t k, int64_t k_end, WarpSums<Shape>& sums) {
  constexpr int kThreads = Shape::kThreads, kDepth = Shape::kDepth, kRows = Shape::kRows, kCols = Shape::kCols;
  int stage = 0;
  for (int64_t next = k;; next += kDepth, stage ^= 1) {  // copies are written once in the code: they are most of it
    if (next < k_end) {
      bring_halves<kRows, kDepth, kThreads>(left, row, next, memory.left[stage]);
      bring_halves<kCols, kDepth, kThreads>(right, col, next, memory.right[stage]);
    }
    commit_copies();
    if (next > k)
      multiply_halves<kBfloat>(memory.left[stage ^ 1], left.along_k, memory.right[stage ^ 1], right.along_k, sums);
    if (next >= k_end) break;
    wait_copies<0>();
    __syncthreads();
  }
}

template <bool kBfloat, class Shape, class Left, class Right, class Store>
PT_DEVICE void multiply_warps(WarpMemory<Shape>& memory, const Left& left, const Right& right, int64_t row, int64_t col,
                              int64_t k, int64_t k_end, const Store& store) {
  WarpSums<Shape> sums = {};
  add_warps<kBfloat>(memory, left, right, row, col, k, k_end, sums);
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
