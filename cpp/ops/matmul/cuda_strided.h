// Operands of a product that lie in memory by strides, and where its sums go.
#pragma once
#include "ops/matmul/cuda_desc.h"
#include "ops/matmul/cuda_tile.h"

namespace pt::cuda {

// Where a block's tile is.
struct TilePlace {
  int64_t batch, split, row, col;
};

// Blocks that run at the same time share lines of both operands: they walk through bands of kBand tiles of rows.
template <class Shape>
PT_DEVICE TilePlace tile_place(const TileProduct& p, int64_t tile) {
  constexpr int64_t kBand = 8;
  const int64_t in_product = p.row_tiles * p.col_tiles, product = tile / in_product;
  const int64_t t = tile % in_product, band = t / (kBand * p.col_tiles), in_band = t % (kBand * p.col_tiles);
  const int64_t rows = p.row_tiles - band * kBand < kBand ? p.row_tiles - band * kBand : kBand;
  return {product % p.batches, product / p.batches, (band * kBand + in_band % rows) * Shape::kRows,
          in_band / rows * Shape::kCols};
}

PT_DEVICE int64_t batch_offset(const TileProduct& p, const int64_t (&strides)[kMostBatchAxes], int64_t batch) {
  int64_t offset = 0;
  for (int axis = p.batch_axes - 1; axis >= 0; --axis) {
    offset += batch % p.batch_extent[axis] * strides[axis];
    batch /= p.batch_extent[axis];
  }
  return offset;
}

PT_DEVICE int size_of_float(DType type) { return type == DType::F64 ? 8 : type == DType::F32 ? 4 : 2; }

// Converts: elements are of any float dtype, else they are T.
template <class T, bool kConverts>
struct StridedSource {
  const char* at;
  int64_t line_stride, k_stride, lines, depth;
  bool along_k, vectors;
  DType type;

  __device__ __forceinline__ StridedSource(const char* base, int64_t offset, DType dtype, int64_t stride_of_line,
                                           int64_t stride_of_k, int64_t n_lines, int64_t n_depth, bool runs_along_k,
                                           bool in_vectors)
      : at(base + offset * size_of_float(dtype)),
        line_stride(stride_of_line),
        k_stride(stride_of_k),
        lines(n_lines),
        depth(n_depth),
        along_k(runs_along_k),
        vectors(in_vectors && !kConverts && is_aligned(at, 16)),
        type(dtype) {}
  __device__ __forceinline__ T load(int64_t line, int64_t k) const {
    if (line >= lines || k >= depth) return T(0);
    const int64_t i = line * line_stride + k * k_stride;
    if constexpr (kConverts) return load_float<T>(at, i, type);
    return reinterpret_cast<const T*>(at)[i];
  }
  // In vectors an axis ends with one. Null: outside.
  __device__ __forceinline__ const T* vector_at(int64_t line, int64_t k) const {
    if (line >= lines || k >= depth) return nullptr;
    return reinterpret_cast<const T*>(at) + line * line_stride + k * k_stride;
  }
  __device__ __forceinline__ Pack<T, kVector<T>> load_vector(int64_t line, int64_t k) const {
    using V = Pack<T, kVector<T>>;
    if (line >= lines || k >= depth) return V{};
    return *reinterpret_cast<const V*>(reinterpret_cast<const T*>(at) + line * line_stride + k * k_stride);
  }
};

template <class T, bool kConverts>
PT_DEVICE StridedSource<T, kConverts> left_source(const TileProduct& p, const char* at, int64_t batch) {
  return {at,
          batch_offset(p, p.left_batch, batch),
          p.left_type,
          p.left_row,
          p.left_k,
          p.rows,
          p.depth,
          p.left_along_k,
          p.left_vectors};
}
template <class T, bool kConverts>
PT_DEVICE StridedSource<T, kConverts> right_source(const TileProduct& p, const char* at, int64_t batch) {
  return {at,
          batch_offset(p, p.right_batch, batch),
          p.right_type,
          p.right_col,
          p.right_k,
          p.cols,
          p.depth,
          p.right_along_k,
          p.right_vectors};
}

// A matrix that sums go to.
template <class T>
struct StridedResult {
  char* at;
  int64_t row_stride, col_stride, rows, cols;
  DType type;
  bool vectors;

  template <int kCount>
  __device__ __forceinline__ void operator()(int64_t row, int64_t col, const Pack<T, kCount>& sums) const {
    if (row >= rows || col >= cols) return;
    if (vectors) return store_vector(row * row_stride + col, sums);
#pragma unroll
    for (int e = 0; e < kCount; ++e)
      if (col + e < cols) store_float(at, row * row_stride + (col + e) * col_stride, type, sums.at[e]);
  }
  template <int kCount>
  __device__ __forceinline__ void store_vector(int64_t i, const Pack<T, kCount>& sums) const {
    if (sizeof(T) == 8 || type == DType::F32) {
      *reinterpret_cast<Pack<T, kCount>*>(reinterpret_cast<T*>(at) + i) = sums;
    } else {
      Pack<uint16_t, kCount> halves;
#pragma unroll
      for (int e = 0; e < kCount; ++e)
        halves.at[e] = type == DType::BF16 ? float_to_bf16(float(sums.at[e])) : float_to_f16(float(sums.at[e]));
      *reinterpret_cast<Pack<uint16_t, kCount>*>(reinterpret_cast<uint16_t*>(at) + i) = halves;
    }
  }
};

// C, or this split's sums in the workspace.
template <class T>
PT_DEVICE StridedResult<T> result_of(const TileProduct& p, char* out, const TilePlace& place) {
  if (p.splits > 1) {
    char* at = out + (place.split * p.batches + place.batch) * p.rows * p.cols * int64_t(sizeof(T));
    return {at, p.cols, 1, p.rows, p.cols, sizeof(T) == 8 ? DType::F64 : DType::F32, p.cols % kVector<T> == 0};
  }
  char* at = out + batch_offset(p, p.out_batch, place.batch) * size_of_float(p.out_type);
  return {at, p.out_row, p.out_col, p.rows, p.cols, p.out_type, p.out_vectors && is_aligned(at, 16)};
}

PT_DEVICE int64_t split_end(const TileProduct& p, const TilePlace& place) {
  const int64_t end = (place.split + 1) * p.split_depth;
  return end < p.depth ? end : p.depth;
}

// C from the sums of all parts of K, added in ascending order.
template <class T>
PT_DEVICE void add_splits(const TileProduct& p, const char* sums, char* out) {
  const int64_t each = p.rows * p.cols, count = p.batches * each;
  for (int64_t i = global_thread(); i < count; i += global_threads()) {
    const T* part = reinterpret_cast<const T*>(sums) + i;
    T sum = part[0];
    for (int64_t split = 1; split < p.splits; ++split) sum += part[split * count];
    const int64_t in_item = i % each;
    char* at = out + batch_offset(p, p.out_batch, i / each) * size_of_float(p.out_type);
    store_float(at, in_item / p.cols * p.out_row + in_item % p.cols * p.out_col, p.out_type, sum);
  }
}

}  // namespace pt::cuda
