// Tiles of bf16 pairs: a lane of a packed operand holds two neighbours along K, and one instruction multiplies and adds
// both, which doubles the rate of f32. Packing, strips and panels are those of f32 (tile_kernels.h).
#include "ops/matmul/half.h"
#include "ops/matmul/tile_kernels.h"

namespace pt {
namespace PT_ISA {

template <int MR, int NV>
PT_FN PT_FOR_PAIRS void pairs_step(const float* left, const float* right, Register<float> (&sum)[MR][NV]) {
  using R = Register<float>;
  R b[NV];
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j) b[j] = R::load(right + j * R::kLanes);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) {
    const R a = broadcast_once(left + i);
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[i][j] = add_pairs(a, b[j], sum[i][j]);
  }
}

template <int MR, int NV>
PT_FN void add_rows(const float* out, int64_t out_row, int tail, Register<float> (&sum)[MR][NV]) {
  using R = Register<float>;
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i, out += out_row)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const float* p = out + j * R::kLanes;
      sum[i][j] = (j < NV - 1 ? R::load(p) : R::load_first(p, tail)) + sum[i][j];
    }
}

// The instruction's sums are never subnormal, but those of two blocks of K can be.
template <int MR, int NV>
PT_FN bool has_subnormal(const Register<float> (&sum)[MR][NV]) {
  uint32_t found = 0;
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) found |= find_subnormal(sum[i][j]);
  return found != 0;
}

// From where sums are kept otherwise: tiles with subnormal ones, which are rare.
template <int MR, int NV>
PT_FN void round_any(const Register<float> (&sum)[MR][NV], const Tile<float>& t) {
  store_tile<float, MR, NV>(sum, t.out, t.out_row, t.tail, false);
  for (int i = 0; i < MR; ++i)
    round_row<BFloat16>(t.out + i * t.out_row, (NV - 1) * Register<float>::kLanes + t.tail,
                        t.rounded + i * t.rounded_row, 1);
}

template <int MR, int NV>
PT_FN PT_FOR_PAIRS void store_rounded(Register<float> (&sum)[MR][NV], const Tile<float>& t) {
  if (t.add) {
    add_rows<MR, NV>(t.out, t.out_row, t.tail, sum);
    if (has_subnormal<MR, NV>(sum)) return round_any<MR, NV>(sum, t);
  }
  constexpr int kLanes = Register<float>::kLanes;
  uint16_t* to = t.rounded;
  if (NV == 2 && t.tail == kLanes) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i, to += t.rounded_row) round_normal(sum[i][0], sum[i][NV - 1]).store(to);
    return;
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i, to += t.rounded_row)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j)
      round_normal(sum[i][j], sum[i][j]).store_first(to + j * kLanes, j < NV - 1 ? kLanes : t.tail);
}

template <int MR, int NV>
PT_FOR_PAIRS void multiply_pairs_tile(const Tile<float>& t) {
  using R = Register<float>;
  constexpr int kRightRow = NV * R::kLanes;
  R sum[MR][NV];
  clear(sum);
  if (t.add || !t.rounded) prefetch_rows<float, MR, NV>(t);
  const float* left = t.left;
  const float* right = t.right;
  int64_t k = t.depth;
  for (; k >= kFetchSteps; k -= kFetchSteps) {
    if (t.ahead) t.ahead->advance<float, true>();
#pragma GCC unroll 8
    for (int step = 0; step < kFetchSteps; ++step) pairs_step<MR, NV>(left + step * MR, right + step * kRightRow, sum);
    left += kFetchSteps * MR, right += kFetchSteps * kRightRow;
  }
  for (; k > 0; --k, left += MR, right += kRightRow) pairs_step<MR, NV>(left, right, sum);
  if (t.rounded) return store_rounded<MR, NV>(sum, t);
  store_tile<float, MR, NV>(sum, t.out, t.out_row, t.tail, t.add);
}

template <int NV, int MR = kTileRows>
inline TileFn<float> find_pairs_tile(int rows) {
  if constexpr (MR > 1) {
    if (rows < MR) return find_pairs_tile<NV, MR - 1>(rows);
  }
  return multiply_pairs_tile<MR, NV>;
}

template <int NV = kTileVectors>
inline void multiply_pairs_vectors(const Tile<float>& t, int64_t rows, int vectors) {
  if constexpr (NV > 1) {
    if (vectors < NV) return multiply_pairs_vectors<NV - 1>(t, rows, vectors);
  }
  const Strips strips(rows, kTileRows);
  multiply_strips(t, strips, find_pairs_tile<NV>(static_cast<int>(strips.rows)),
                  find_pairs_tile<NV>(static_cast<int>(strips.rows_of(0))), t.depth);
}

void multiply_pairs_panel(Tile<float> t, int64_t rows, int64_t cols) {
  if constexpr (kHasPairs) {
    const int vectors = count_vectors(t, cols);
    multiply_pairs_vectors(t, rows, vectors);
  }
}

}  // namespace PT_ISA
}  // namespace pt
