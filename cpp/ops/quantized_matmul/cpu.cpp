// Products of floats with weights of 8 or 4 bits. The weights stay small in memory: a block of them becomes floats in
// the scratch just before it is multiplied, or, for a few rows, in registers. The order of sums is that of a matrix
// product (ops/matmul/desc.h), so the bits are those of a product with the dequantized weights, for any number of rows.
#include "ops/quantized_matmul/few_rows.h"

namespace pt {
namespace PT_ISA {
namespace {

constexpr int64_t kPanel = kTileVectors * Floats::kLanes;  // columns
static_assert(kPanel <= kMostQuantizedPanel && kTileRows <= kMostQuantizedTileRows);

// Rows k to k + depth of some columns, [depth][kPanel]; columns that are not there are zeros.
template <class Codes>
void dequantize_panel(const QuantizedMatmulDesc& d, const char* codes, const float* scale, int64_t k, int64_t depth,
                      int64_t cols, float* out) {
  for (int64_t row = k; row < k + depth; row += Codes::kRows) {
    const char* from = codes + row / Codes::kRows * d.cols;
    const float* scales = scale + row / d.group * d.cols;
    for (int64_t j = 0; j < kPanel; j += Floats::kLanes) {
      Floats w[Codes::kRows];
      for (Floats& one : w) one = Floats::zero();
      if (j < cols) Codes::read(from + j, load_columns_of(scales + j, cols - j), cols - j, w);
      for (int r = 0; r < Codes::kRows && row + r < k + depth; ++r) w[r].store(out + (row + r - k) * kPanel + j);
    }
  }
}

// Rows of a block as a strip [depth][tile_rows]; rows that are not there are zeros.
void pack_strip(const float* left, int64_t left_row, int64_t rows, int64_t depth, int64_t tile_rows, float* out) {
  for (int64_t i = 0; i < tile_rows; ++i)
    for (int64_t k = 0; k < depth; ++k) out[k * tile_rows + i] = i < rows ? left[i * left_row + k] : 0;
}

template <int MR>
void multiply_tile(const float* strip, const float* panel, int64_t depth, float* out, int64_t out_row, int64_t rows,
                   int64_t cols, bool add) {
  Floats sum[MR][kTileVectors];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kTileVectors; ++j) sum[i][j] = Floats::zero();
  for (int64_t k = 0; k < depth; ++k, strip += MR, panel += kPanel) {
    Floats b[kTileVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kTileVectors; ++j) b[j] = Floats::load(panel + j * Floats::kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const Floats a = broadcast_once(strip + i);
#pragma GCC unroll 4
      for (int j = 0; j < kTileVectors; ++j) sum[i][j] = fma(a, b[j], sum[i][j]);
    }
  }
  alignas(64) float all[MR][kPanel];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kTileVectors; ++j) sum[i][j].store(&all[i][j * Floats::kLanes]);
  for (int64_t i = 0; i < rows; ++i) add_row(out + i * out_row, all[i], cols, add);
}

constexpr int64_t kHalfTile = (kTileRows + 1) / 2;  // rows of the last tile, where they are enough

// A block of the depth for all rows and columns of a chunk.
template <class Codes>
void multiply_block(const QuantizedMatmulDesc& d, const KernelArgs* args, const float* left, const char* codes,
                    const float* scale, int64_t k, int64_t depth, int64_t rows, int64_t cols, float* out,
                    int64_t out_row, bool add) {
  float* scratch = reinterpret_cast<float*>(args->scratch);
  float* panel = scratch + d.panel;
  for (int64_t row = 0; row < rows; row += kTileRows) {
    const int64_t n = least(kTileRows, rows - row);
    pack_strip(left + row * d.depth + k, d.depth, n, depth, n <= kHalfTile ? kHalfTile : kTileRows,
               scratch + row * kQuantizedBlock);
  }
  for (int64_t col = 0; col < cols; col += kPanel) {
    const int64_t n = least(kPanel, cols - col);
    dequantize_panel<Codes>(d, codes + col, scale + col, k, depth, n, panel);
    for (int64_t row = 0; row < rows; row += kTileRows) {
      const float* strip = scratch + row * kQuantizedBlock;
      const int64_t there = least(kTileRows, rows - row);
      float* to = out + row * out_row + col;
      if (there <= kHalfTile) {
        multiply_tile<kHalfTile>(strip, panel, depth, to, out_row, there, n, add);
      } else {
        multiply_tile<kTileRows>(strip, panel, depth, to, out_row, there, n, add);
      }
    }
  }
}

struct Region {
  int64_t row, rows, col, cols;
  const float *left, *scale;
  const char* codes;
  float *out, *sums;
};

inline Region region_of(const KernelArgs* args, const QuantizedMatmulDesc& d, int64_t chunk) {
  Region r;
  r.row = chunk / d.col_chunks * d.row_chunk, r.rows = least(d.row_chunk, d.rows - r.row);
  r.col = chunk % d.col_chunks * d.col_chunk, r.cols = least(d.col_chunk, d.cols - r.col);
  r.left = reinterpret_cast<const float*>(args->data[0]) + r.row * d.depth;
  r.codes = args->data[1] + r.col;
  r.scale = reinterpret_cast<const float*>(args->data[2]) + r.col;
  r.out = reinterpret_cast<float*>(args->data[3]) + r.row * d.cols + r.col;
  r.sums = reinterpret_cast<float*>(args->scratch) + d.sums;
  return r;
}

// Sums of nothing.
inline void clear(const QuantizedMatmulDesc& d, const Region& r) {
  for (int64_t i = 0; i < r.rows; ++i)
    for (int64_t j = 0; j < r.cols; ++j) r.out[i * d.cols + j] = 0;
}

template <class Codes>
void multiply_many(const KernelArgs* args, int64_t chunk) {
  const QuantizedMatmulDesc& d = *static_cast<const QuantizedMatmulDesc*>(args->desc);
  const Region r = region_of(args, d, chunk);
  if (d.depth == 0) clear(d, r);
  for (int64_t group = 0; group < d.depth; group += kQuantizedGroup) {
    const int64_t group_end = least(group + kQuantizedGroup, d.depth);
    float* to = group == 0 ? r.out : r.sums;  // the first group is the sum
    const int64_t to_row = group == 0 ? d.cols : d.col_chunk;
    for (int64_t k = group; k < group_end; k += kQuantizedBlock)
      multiply_block<Codes>(d, args, r.left, r.codes, r.scale, k, least(kQuantizedBlock, group_end - k), r.rows, r.cols,
                            to, to_row, k > group);
    for (int64_t i = 0; i < r.rows && group > 0; ++i) add_row(r.out + i * d.cols, r.sums + i * to_row, r.cols, true);
  }
}

template <class Codes>
void multiply_few(const KernelArgs* args, int64_t chunk) {
  const QuantizedMatmulDesc& d = *static_cast<const QuantizedMatmulDesc*>(args->desc);
  const Region r = region_of(args, d, chunk);
  if (d.depth == 0) return clear(d, r);
  switch (r.rows) {
    case 1:
      return few_rows<Codes, 1>(d, r.left, r.codes, r.scale, r.cols, r.out, r.sums);
    case 2:
      return few_rows<Codes, 2>(d, r.left, r.codes, r.scale, r.cols, r.out, r.sums);
    case 3:
      return few_rows<Codes, 3>(d, r.left, r.codes, r.scale, r.cols, r.out, r.sums);
    default:
      return few_rows<Codes, 4>(d, r.left, r.codes, r.scale, r.cols, r.out, r.sums);
  }
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(quantized_matmul, pt::PT_ISA::multiply_many<pt::PT_ISA::Codes8>,
           pt::PT_ISA::multiply_many<pt::PT_ISA::Codes4>, pt::PT_ISA::multiply_few<pt::PT_ISA::Codes8>,
           pt::PT_ISA::multiply_few<pt::PT_ISA::Codes4>);
