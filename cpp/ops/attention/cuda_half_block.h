// What attention of f16 and bf16 and its gradient share. A block keeps its rows in shared memory, queries or keys, and
// walks over the rows of the other side in steps: the next step is copied in the background while one is computed. A
// warp has the scores of its rows in registers, where they are already the left operand of a second product.
// Source: Dao 2023 (FlashAttention-2).
#pragma once
#include "cuda/async_copy.h"
#include "ops/attention/cuda_block.h"
#include "ops/matmul/cuda_mma.h"

namespace pt::cuda {

constexpr float kLog2OfE = 1.44269504f, kLogOf2 = 0.693147181f;

// 2^x in one instruction, within 2 units of f32's last place: a weight is rounded to 16 bits anyway.
PT_DEVICE float fast_exp2(float x) {
#if defined(PT_CUDA_SIM)
  return exp2f(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// Rows of one head in memory.
template <class Element>
struct HalfRows {
  Element* at;
  int64_t row, element, rows, size;
  bool vectors;
};
template <class Element>
PT_DEVICE HalfRows<Element> half_rows(const AttentionProblem& p, const AttentionMatrix& m, bool vectors, char* at,
                                      int64_t batch, int64_t head, int64_t rows) {
  Element* const first = reinterpret_cast<Element*>(at) + head_offset(m, batch, head);
  return {first, m.row, m.element, rows, p.size, vectors && is_aligned(first, 16)};
}

// Which rows of which head a block has. Blocks of one head are neighbours, and read the same rows of the other side.
// Those with most work begin first: the last queries see most keys, and the first keys are seen by most queries.
template <class Shape>
PT_DEVICE AttentionPlace half_place(const AttentionProblem& p, int64_t heads, int64_t block, bool last_rows_first) {
  const int64_t item = block / p.blocks, number = block % p.blocks;
  return {item / heads, item % heads, (last_rows_first ? p.blocks - 1 - number : number) * Shape::kRows, 0};
}

PT_DEVICE int warp_number() { return int(threadIdx.x) / kWarp; }
PT_DEVICE int lane_number() { return int(threadIdx.x) % kWarp; }

// Begins to copy kCount rows from `row` on, with zeros outside of the matrix. The caller commits and waits.
template <class Shape, int kCount>
PT_DEVICE void bring_rows(const HalfRows<const uint16_t>& from, int64_t row, uint16_t* shared) {
  constexpr int kPieces = Shape::kSize / 8, kRowsAtOnce = Shape::kThreads / kPieces;
  const int thread = int(threadIdx.x);
  if (from.vectors) {
    const int first = thread / kPieces, element = thread % kPieces * 8;
    const bool inside = element < from.size;
    const uint16_t* at = from.at + (row + first) * from.row + element;
#pragma unroll
    for (int i = 0; i < kCount; i += kRowsAtOnce) {
      const bool given = inside && row + first + i < from.rows;
      copy_async<16>(shared + (first + i) * Shape::kPitch + element, given ? at : from.at, given ? 16 : 0);
      at += kRowsAtOnce * from.row;
    }
  } else {
    for (int i = thread; i < kCount * Shape::kSize; i += Shape::kThreads) {
      const int at = i / Shape::kSize, element = i % Shape::kSize;
      const bool inside = row + at < from.rows && element < from.size;
      shared[at * Shape::kPitch + element] =
          inside ? from.at[(row + at) * from.row + element * from.element] : uint16_t(0);
    }
  }
}

// Sums of a warp: of its rows by the rows of a step, and by the elements of a head. at[tile][matrix of 8 columns]; the
// places of the four are in cuda/mma.h.
template <class Shape>
struct HalfScores {
  float at[Shape::kTiles][Shape::kStep / 8][4];
};
template <class Shape>
struct HalfSums {
  float at[Shape::kTiles][Shape::kSize / 8][4];
};

// A thread has two rows of each tile (half: 0 or 1), and two neighbouring columns of each matrix.
template <class Shape>
PT_DEVICE int half_row(int tile, int half) {
  return warp_number() * Shape::kRowsOfWarp + 16 * tile + 8 * half + lane_number() / 4;
}
PT_DEVICE int half_col(int matrix, int side) { return 8 * matrix + lane_number() % 4 * 2 + side; }

// Calls visit(tile, half) for each of a thread's rows.
template <class Shape, class Visit>
PT_DEVICE void each_half_row(Visit visit) {
#pragma unroll
  for (int tile = 0; tile < Shape::kTiles; ++tile) {
    visit(tile, 0);
    visit(tile, 1);
  }
}

PT_DEVICE float over_quad(float value) {  // the four threads that have the same rows
  value += __shfl_xor_sync(0xffffffff, value, 1);
  return value + __shfl_xor_sync(0xffffffff, value, 2);
}

template <bool kBfloat>
PT_DEVICE void multiply_pair(const uint32_t (&a)[4], const uint32_t (&b)[4], float (&left)[4], float (&right)[4]) {
  const uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
  kBfloat ? mma_bf16(left, a, first) : mma_f16(left, a, first);
  kBfloat ? mma_bf16(right, a, second) : mma_f16(right, a, second);
}

// The products of the warp's rows in `kept` and the rows of a step, over the elements.
template <bool kBfloat, class Shape>
PT_DEVICE void add_scores(const uint16_t* kept, const uint16_t* walked, HalfScores<Shape>& scores) {
  static_assert(Shape::kPitch == Shape::kSize + kBetweenRows);
#pragma unroll 2  // all at once would want more registers than there are
  for (int k = 0; k < Shape::kSize; k += 16) {
    uint32_t a[Shape::kTiles][4];
#pragma unroll
    for (int i = 0; i < Shape::kTiles; ++i)
      load_left<Shape::kRows, Shape::kSize>(kept, true, warp_number() * Shape::kRowsOfWarp + 16 * i, k, a[i]);
#pragma unroll
    for (int j = 0; j < Shape::kStep / 16; ++j) {
      uint32_t b[4];
      load_right<Shape::kStep, Shape::kSize>(walked, true, 16 * j, k, b);
#pragma unroll
      for (int i = 0; i < Shape::kTiles; ++i)
        multiply_pair<kBfloat>(a[i], b, scores.at[i][2 * j], scores.at[i][2 * j + 1]);
    }
  }
}

// sums += weights times the rows of a step.
template <bool kBfloat, class Shape>
PT_DEVICE void add_weighted_rows(const HalfScores<Shape>& weights, const uint16_t* walked, HalfSums<Shape>& sums) {
#pragma unroll
  for (int k = 0; k < Shape::kStep / 16; ++k) {
    uint32_t a[Shape::kTiles][4];
#pragma unroll
    for (int i = 0; i < Shape::kTiles; ++i) {
      const float(&first)[4] = weights.at[i][2 * k], (&second)[4] = weights.at[i][2 * k + 1];
      a[i][0] = pack_halves<kBfloat>(first[0], first[1]), a[i][1] = pack_halves<kBfloat>(first[2], first[3]);
      a[i][2] = pack_halves<kBfloat>(second[0], second[1]), a[i][3] = pack_halves<kBfloat>(second[2], second[3]);
    }
#pragma unroll
    for (int j = 0; j < Shape::kSize / 16; ++j) {
      uint32_t b[4];
      load_right<Shape::kSize, Shape::kStep>(walked, false, 16 * j, 16 * k, b);
#pragma unroll
      for (int i = 0; i < Shape::kTiles; ++i) multiply_pair<kBfloat>(a[i], b, sums.at[i][2 * j], sums.at[i][2 * j + 1]);
    }
  }
}

// Columns of a step that a row sees.
struct SeenColumns {
  int from, to;
};
PT_DEVICE int within_step(int64_t column, int step) { return column < 0 ? 0 : column < step ? int(column) : step; }

// Scores are multiplied with `scale`; those that a row does not see become minus infinity. seen(row of the block) is
// asked where not `all` are.
template <class Shape, class Seen>
PT_DEVICE void scale_scores(HalfScores<Shape>& scores, float scale, bool all, Seen seen) {
#pragma unroll
  for (int i = 0; i < Shape::kTiles; ++i)
#pragma unroll
    for (int j = 0; j < Shape::kStep / 8; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e) scores.at[i][j][e] *= scale;
  if (all) return;
  each_half_row<Shape>([&](int i, int half) {
    const SeenColumns columns = seen(half_row<Shape>(i, half));
#pragma unroll
    for (int j = 0; j < Shape::kStep / 8; ++j)
#pragma unroll
      for (int side = 0; side < 2; ++side)
        if (half_col(j, side) < columns.from || half_col(j, side) >= columns.to)
          scores.at[i][j][2 * half + side] = -INFINITY;
  });
}

// A warp's sums, each row times by(tile, half), go to memory from the warp's rows of `kept`, which nobody reads
// anymore.
template <bool kBfloat, class Shape, class By>
PT_DEVICE void store_rows(const HalfSums<Shape>& sums, uint16_t* kept, const HalfRows<uint16_t>& to, int64_t row,
                          By by) {
  constexpr int kPieces = Shape::kSize / 8;
  each_half_row<Shape>([&](int i, int half) {
    const float factor = by(i, half);
#pragma unroll
    for (int j = 0; j < Shape::kSize / 8; ++j) {
      const float(&sum)[4] = sums.at[i][j];
      *reinterpret_cast<uint32_t*>(kept + half_row<Shape>(i, half) * Shape::kPitch + half_col(j, 0)) =
          pack_halves<kBfloat>(sum[2 * half] * factor, sum[2 * half + 1] * factor);
    }
  });
  __syncwarp();
  const int first = warp_number() * Shape::kRowsOfWarp;
  for (int i = lane_number(); i < Shape::kRowsOfWarp * kPieces; i += kWarp) {
    const int at = first + i / kPieces, element = i % kPieces * 8;
    if (row + at >= to.rows || element >= to.size) continue;
    const auto some = *reinterpret_cast<const Pack<uint16_t, 8>*>(kept + at * Shape::kPitch + element);
    uint16_t* const out = to.at + (row + at) * to.row + element * to.element;
    if (to.vectors) {
      *reinterpret_cast<Pack<uint16_t, 8>*>(out) = some;
    } else {
#pragma unroll
      for (int e = 0; e < 8; ++e)
        if (element + e < to.size) out[e * to.element] = some.at[e];
    }
  }
}

}  // namespace pt::cuda
