// The tiles of all products in scalar arithmetic: matrix products and convolutions. A block brings kDepth columns of
// the left operand and rows of the right one to shared memory while it multiplies those before; a thread keeps a
// rectangle of sums in registers. Every sum goes through K in ascending order, so that the shape of a tile changes no
// bit. Source: Volkov & Demmel 2008; CUTLASS.
#pragma once
#include "cuda/half.h"
#include "cuda/kernel.h"

namespace pt::cuda {

template <int kRowsOfTile, int kColsOfTile, int kDepthOfTile, int kRowsOfThread, int kColsOfThread>
struct TileShape {
  static constexpr int kRows = kRowsOfTile, kCols = kColsOfTile, kDepth = kDepthOfTile;
  static constexpr int kRowsEach = kRowsOfThread, kColsEach = kColsOfThread;
  static constexpr int kThreads = (kRows / kRowsEach) * (kCols / kColsEach);
};
using LargeTile = TileShape<128, 128, 16, 8, 8>;
using MediumTile = TileShape<64, 64, 16, 8, 4>;
using SmallTile = TileShape<32, 32, 16, 4, 4>;

template <class T>
constexpr int kVector = 16 / int(sizeof(T));

// Two stages of both operands, [k][line]: lines are rows of the left operand, columns of the right one. A few elements
// between lines keep threads of a warp that write along K in different banks.
template <class T, class Shape>
struct TileMemory {
  static constexpr int kLeftRow = Shape::kRows + kVector<T>, kRightRow = Shape::kCols + kVector<T>;
  alignas(16) T left[2][Shape::kDepth * kLeftRow];
  alignas(16) T right[2][Shape::kDepth * kRightRow];
};

// Calls visit(e, line, k) for what a thread brings of kLines by kDepth elements, kWide at once; e counts its elements.
template <int kLines, int kDepth, int kThreads, int kWide, class Visit>
PT_DEVICE void each_brought(bool along_k, Visit visit) {
  constexpr int kCount = kLines * kDepth / kThreads / kWide, kAlongK = kDepth / kWide, kAlongLines = kLines / kWide;
  const int thread = int(threadIdx.x);
  if (along_k) {
#pragma unroll
    for (int e = 0; e < kCount; ++e) {
      const int i = thread + e * kThreads;
      visit(e * kWide, i / kAlongK, i % kAlongK * kWide);
    }
  } else {
#pragma unroll
    for (int e = 0; e < kCount; ++e) {
      const int i = thread + e * kThreads;
      visit(e * kWide, i % kAlongLines * kWide, i / kAlongLines);
    }
  }
}

// From global memory to registers. A source gives zeros outside of its operand.
template <int kLines, int kDepth, int kThreads, class T, class Source>
PT_DEVICE void bring(const Source& source, int64_t line, int64_t k, T* held) {
  if (source.vectors) {
    each_brought<kLines, kDepth, kThreads, kVector<T>>(source.along_k, [&](int e, int at_line, int at_k) {
      const Pack<T, kVector<T>> some = source.load_vector(line + at_line, k + at_k);
#pragma unroll
      for (int j = 0; j < kVector<T>; ++j) held[e + j] = some.at[j];
    });
  } else {
    each_brought<kLines, kDepth, kThreads, 1>(
        source.along_k, [&](int e, int at_line, int at_k) { held[e] = source.load(line + at_line, k + at_k); });
  }
}

// And from there to shared memory.
template <int kLines, int kDepth, int kThreads, int kRow, class T, class Source>
PT_DEVICE void keep(const Source& source, const T* held, T* shared) {
  if (source.vectors) {
    each_brought<kLines, kDepth, kThreads, kVector<T>>(source.along_k, [&](int e, int line, int k) {
      if (source.along_k) {
#pragma unroll
        for (int j = 0; j < kVector<T>; ++j) shared[(k + j) * kRow + line] = held[e + j];
      } else {
        Pack<T, kVector<T>> some;
#pragma unroll
        for (int j = 0; j < kVector<T>; ++j) some.at[j] = held[e + j];
        *reinterpret_cast<Pack<T, kVector<T>>*>(shared + k * kRow + line) = some;
      }
    });
  } else {
    each_brought<kLines, kDepth, kThreads, 1>(source.along_k,
                                              [&](int e, int line, int k) { shared[k * kRow + line] = held[e]; });
  }
}

// Where sum i of a thread lies along an axis: kEach sums in vectors, which are as far apart as the tile has vectors
// between, so that a warp reads one run of shared memory.
template <class T, int kSize, int kEach>
PT_DEVICE int place_of(int thread, int i) {
  return i / kVector<T> * (kSize / kEach * kVector<T>)+thread * kVector<T> + i % kVector<T>;
}

template <int kSize, int kEach, class T>
PT_DEVICE void read_line(const T* line, int thread, T* values) {
#pragma unroll
  for (int i = 0; i < kEach; i += kVector<T>) {
    const auto some = *reinterpret_cast<const Pack<T, kVector<T>>*>(line + place_of<T, kSize, kEach>(thread, i));
#pragma unroll
    for (int j = 0; j < kVector<T>; ++j) values[i + j] = some.at[j];
  }
}

template <class T, class Shape>
struct TileSums {
  T at[Shape::kRowsEach][Shape::kColsEach];
};

template <class T, class Shape>
PT_DEVICE void multiply_stage(const T* left, const T* right, int at_row, int at_col, TileSums<T, Shape>& sums) {
#pragma unroll
  for (int k = 0; k < Shape::kDepth; ++k) {
    T a[Shape::kRowsEach], b[Shape::kColsEach];
    read_line<Shape::kRows, Shape::kRowsEach>(left + k * TileMemory<T, Shape>::kLeftRow, at_row, a);
    read_line<Shape::kCols, Shape::kColsEach>(right + k * TileMemory<T, Shape>::kRightRow, at_col, b);
#pragma unroll
    for (int i = 0; i < Shape::kRowsEach; ++i)
#pragma unroll
      for (int j = 0; j < Shape::kColsEach; ++j) sums.at[i][j] = fma(a[i], b[j], sums.at[i][j]);
  }
}

// Which rows and columns of a tile are a thread's.
template <class Shape>
PT_DEVICE int row_thread() {
  return int(threadIdx.x) / (Shape::kCols / Shape::kColsEach);
}
template <class Shape>
PT_DEVICE int col_thread() {
  return int(threadIdx.x) % (Shape::kCols / Shape::kColsEach);
}

// Adds the products of the tile at (row, col), over K from `k` to `k_end`. All threads of the block call it, once
// nobody reads what is in the memory from before.
template <class T, class Shape, class Left, class Right>
PT_DEVICE void add_tile(TileMemory<T, Shape>& memory, const Left& left, const Right& right, int64_t row, int64_t col,
                        int64_t k, int64_t k_end, TileSums<T, Shape>& sums) {
  using Memory = TileMemory<T, Shape>;
  constexpr int kThreads = Shape::kThreads, kDepth = Shape::kDepth, kRows = Shape::kRows, kCols = Shape::kCols;
  T held_left[kRows * kDepth / kThreads], held_right[kCols * kDepth / kThreads];
  const auto bring_both = [&](int64_t at) {
    bring<kRows, kDepth, kThreads>(left, row, at, held_left);
    bring<kCols, kDepth, kThreads>(right, col, at, held_right);
  };
  const auto keep_both = [&](int stage) {
    keep<kRows, kDepth, kThreads, Memory::kLeftRow>(left, held_left, memory.left[stage]);
    keep<kCols, kDepth, kThreads, Memory::kRightRow>(right, held_right, memory.right[stage]);
    __syncthreads();
  };
  if (k < k_end) {
    bring_both(k);
    keep_both(0);
  }
  for (int stage = 0; k < k_end; k += kDepth, stage ^= 1) {
    const bool more = k + kDepth < k_end;
    if (more) bring_both(k + kDepth);
    multiply_stage<T, Shape>(memory.left[stage], memory.right[stage], row_thread<Shape>(), col_thread<Shape>(), sums);
    if (more) keep_both(stage ^ 1);
  }
}

// store(row, col, pack) receives neighbours of a row.
template <class T, class Shape, class Store>
PT_DEVICE void store_tile(const TileSums<T, Shape>& sums, int64_t row, int64_t col, const Store& store) {
#pragma unroll
  for (int i = 0; i < Shape::kRowsEach; ++i) {
#pragma unroll
    for (int j = 0; j < Shape::kColsEach; j += kVector<T>) {
      Pack<T, kVector<T>> some;
#pragma unroll
      for (int e = 0; e < kVector<T>; ++e) some.at[e] = sums.at[i][j + e];
      store(row + place_of<T, Shape::kRows, Shape::kRowsEach>(row_thread<Shape>(), i),
            col + place_of<T, Shape::kCols, Shape::kColsEach>(col_thread<Shape>(), j), some);
    }
  }
}

template <class T, class Shape, class Left, class Right, class Store>
PT_DEVICE void multiply_tile(TileMemory<T, Shape>& memory, const Left& left, const Right& right, int64_t row,
                             int64_t col, int64_t k, int64_t k_end, const Store& store) {
  TileSums<T, Shape> sums = {};
  add_tile(memory, left, right, row, col, k, k_end, sums);
  store_tile(sums, row, col, store);
}

}  // namespace pt::cuda
