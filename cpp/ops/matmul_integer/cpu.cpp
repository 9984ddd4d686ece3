// Products of bytes, summed in 32 bits. Both operands are packed, so that one instruction multiplies two or four steps
// of the depth: pairs are widened to 16 bits, where no product or sum of two saturates; quads stay bytes, for
// processors with an instruction for them (VNNI). That multiplies unsigned by signed bytes. Where a is signed, the
// codes of b go in as b + 128, and each row of sums starts at -128 times the sum of its a. All sums are exact modulo
// 2^32: order, instruction set and threads change no bit.
#include "core/integers.h"
#include "core/kernel.h"
#include "ops/matmul_integer/desc.h"
#include "simd/bytes.h"

namespace pt {
namespace PT_ISA {
namespace {

using Sums = Register<int32_t>;

constexpr int64_t kUnit = 16;  // columns that are interleaved at once, in 64 bytes
constexpr int64_t kWidth = Sums::kLanes > kUnit / 2 ? 2 * kUnit : kUnit;  // columns of a panel
constexpr int kVectors = kWidth / Sums::kLanes;
static_assert(kWidth <= kMostPanelWidth && kTileRows <= kMostTileRows);

struct Pairs {
  static constexpr int kStep = 2;
  static constexpr bool kFlips = false;
  static PT_FN Sums add(Sums c, Sums a, Sums b) { return add_pairs(c, a, b); }
};
struct QuadsUnsigned {
  static constexpr int kStep = 4;
  static constexpr bool kFlips = false;
  static PT_FN Sums add(Sums c, Sums a, Sums b) { return add_quads(c, a, b); }
};
struct QuadsSigned {
  static constexpr int kStep = 4;
  static constexpr bool kFlips = true;
  static PT_FN Sums add(Sums c, Sums a, Sums b) { return add_quads(c, b, a); }
};

// A strip of packed rows: what their sums start at, then for each step a lane of each row.
constexpr int64_t strip_bytes(int64_t rows, int64_t steps) { return rows * (steps + 1) * 4; }

template <class Method>
inline int32_t pack_lane(const uint8_t* row, int64_t n, bool is_signed) {
  int32_t lane = 0;
  if constexpr (Method::kStep == 4) {
    if (n >= 4) {
      __builtin_memcpy(&lane, row, 4);
    } else {
      __builtin_memcpy(&lane, row, static_cast<size_t>(n));
    }
  } else {
    int16_t pair[2] = {};
    for (int64_t i = 0; i < 2 && i < n; ++i) pair[i] = is_signed ? int16_t(int8_t(row[i])) : int16_t(row[i]);
    __builtin_memcpy(&lane, pair, 4);
  }
  return lane;
}

template <class Method>
void pack_strip(const uint8_t* left, int64_t left_row, int64_t rows, int64_t depth, bool is_signed, int64_t tile_rows,
                int32_t* out) {
  const int64_t steps = ceil_div(depth, Method::kStep);
  for (int64_t i = 0; i < tile_rows; ++i) {
    const uint8_t* row = left + i * left_row;
    const bool there = i < rows;
    uint32_t sum = 0;
    if (there && Method::kFlips)
      for (int64_t k = 0; k < depth; ++k) sum += uint32_t(int32_t(int8_t(row[k])));
    out[i] = int32_t(0u - 128u * sum);
    for (int64_t s = 0; s < steps; ++s) {
      const int64_t k = s * Method::kStep;
      out[(s + 1) * tile_rows + i] = there ? pack_lane<Method>(row + k, depth - k, is_signed) : 0;
    }
  }
}

// Columns and rows that are not there count as zeros: their products are not stored, or are products with zeros of a.
template <class Method>
void pack_panels(const int8_t* right, int64_t right_row, int64_t depth, int64_t cols, char* out) {
  constexpr int kStep = Method::kStep;
  const int64_t steps = ceil_div(depth, kStep);
  const int8_t none[kUnit] = {};
  int8_t part[kStep][kUnit] = {};
  for (int64_t s = 0; s < steps; ++s) {
    for (int64_t col = 0; col < cols; col += kUnit) {
      const int8_t* row[kStep];
      for (int i = 0; i < kStep; ++i) {
        const int64_t k = s * kStep + i;
        row[i] = k < depth ? right + k * right_row + col : none;
        if (k < depth && cols - col < kUnit) {
          for (int64_t j = 0; j < cols - col; ++j) part[i][j] = row[i][j];
          row[i] = part[i];
        }
      }
      char* to = out + ((col / kWidth * steps + s) * kWidth + col % kWidth) * 4;
      if constexpr (kStep == 4) {
        interleave_quads(row, Method::kFlips ? 0x80 : 0, to);
      } else {
        interleave_pairs(row, to);
      }
    }
  }
}

template <class Method, int MR>
void multiply_tile(const int32_t* strip, const char* panel, int64_t steps, int32_t* out, int64_t out_row, int64_t rows,
                   int64_t cols, bool add) {
  Sums sum[MR][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sum[i][j] = Sums::broadcast(strip[i]);
  for (int64_t s = 0; s < steps; ++s, panel += kWidth * 4) {
    strip += MR;
    Sums b[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) b[j] = Sums::load(panel + j * Sums::kLanes * 4);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const Sums a = Sums::broadcast(strip[i]);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] = Method::add(sum[i][j], a, b[j]);
    }
  }
  alignas(64) int32_t all[MR][kWidth];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sum[i][j].store(&all[i][j * Sums::kLanes]);
  for (int64_t i = 0; i < rows; ++i, out += out_row)
    for (int64_t j = 0; j < cols; ++j) {
      const uint32_t before = add ? static_cast<uint32_t>(out[j]) : 0;
      out[j] = static_cast<int32_t>(before + static_cast<uint32_t>(all[i][j]));
    }
}

// Strips have as many rows as a tile, the last one half or a single one where that is enough.
inline int64_t tile_rows_of(int64_t left) {
  constexpr int64_t kHalf = (kTileRows + 1) / 2;
  return left == 1 ? 1 : left <= kHalf ? kHalf : kTileRows;
}

template <class Method>
void multiply_strip(const int32_t* strip, int64_t tile_rows, const char* panels, int64_t steps, int32_t* out,
                    int64_t out_row, int64_t rows, int64_t cols, bool add) {
  for (int64_t col = 0; col < cols; col += kWidth, panels += steps * kWidth * 4) {
    const int64_t n = least(kWidth, cols - col);
    if (tile_rows == 1) {
      multiply_tile<Method, 1>(strip, panels, steps, out + col, out_row, rows, n, add);
    } else if (tile_rows == kTileRows) {
      multiply_tile<Method, kTileRows>(strip, panels, steps, out + col, out_row, rows, n, add);
    } else {
      multiply_tile<Method, (kTileRows + 1) / 2>(strip, panels, steps, out + col, out_row, rows, n, add);
    }
  }
}

template <class Method>
void matmul_integer(const KernelArgs* args, int64_t chunk) {
  const MatmulIntegerDesc& d = *static_cast<const MatmulIntegerDesc*>(args->desc);
  const int64_t first_row = chunk / d.col_chunks * d.row_chunk, first_col = chunk % d.col_chunks * d.col_chunk;
  const int64_t rows = least(d.row_chunk, d.rows - first_row), cols = least(d.col_chunk, d.cols - first_col);
  const uint8_t* left = reinterpret_cast<const uint8_t*>(args->data[0]) + first_row * d.depth;
  const int8_t* right = reinterpret_cast<const int8_t*>(args->data[1]) + first_col;
  int32_t* out = reinterpret_cast<int32_t*>(args->data[2]) + first_row * d.cols + first_col;
  int32_t* strip = reinterpret_cast<int32_t*>(args->scratch);
  char* panels = args->scratch + d.panels;
  int64_t k = 0;
  do {  // once where there is nothing to sum: for zeros
    const int64_t depth = least(d.depth_chunk, d.depth - k), steps = ceil_div(depth, Method::kStep);
    pack_panels<Method>(right + k * d.cols, d.cols, depth, cols, panels);
    int64_t n = 0;
    for (int64_t row = 0; row < rows; row += n) {
      n = least(kTileRows, rows - row);
      const int64_t tile_rows = tile_rows_of(n);
      pack_strip<Method>(left + row * d.depth + k, d.depth, n, depth, d.left_signed, tile_rows, strip);
      multiply_strip<Method>(strip, tile_rows, panels, steps, out + row * d.cols, d.cols, n, cols, k > 0);
    }
    k += d.depth_chunk;
  } while (k < d.depth);
}

#if defined(PT_HAS_QUADS)
constexpr KernelFn kQuadsUnsigned = matmul_integer<QuadsUnsigned>, kQuadsSigned = matmul_integer<QuadsSigned>;
#else
constexpr KernelFn kQuadsUnsigned = matmul_integer<Pairs>, kQuadsSigned = matmul_integer<Pairs>;  // not called
#endif

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(matmul_integer, pt::PT_ISA::matmul_integer<pt::PT_ISA::Pairs>, pt::PT_ISA::kQuadsUnsigned,
           pt::PT_ISA::kQuadsSigned);
