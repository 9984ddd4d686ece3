// The gradient of the weights by tiles of 2 x 2 pixels: 16 products whose K are the tiles. A chunk transforms some
// tiles of both operands at a time, for its channels in and out; their sums stay in the second cache.
#include "ops/all_finite/run.h"
#include "ops/conv2d/winograd_tiles.h"
#include "ops/matmul/finish.h"

namespace pt {
namespace PT_ISA {
namespace {

// points[p][tile][channel] of the gradient of a result, whose pixels are those of the tiles.
inline void transform_grad(const WinogradTiles& tiles, TileWalk walk, int64_t count, const float* grad, int64_t all,
                           int64_t channels, float* points, int64_t row, int64_t point) {
  for (int64_t t = 0; t < count; ++t, walk.next(), points += row) {
    const float* pixel[kWinogradStep * kWinogradStep];
    find_pixels<kWinogradStep>(grad + walk.image() * tiles.height * tiles.width * all, tiles.height, tiles.width, all,
                               walk.y(), walk.x(), pixel);
    for_channels(channels, [&](int64_t c, auto load, auto) PT_INLINED {
      fetch_pixels<kWinogradStep>(pixel, all, c);
      transform_square<GradPoints>([&](int i, int j) PT_INLINED { return load(pixel[kWinogradStep * i + j] + c); },
                                   [&](int i, int j, WinogradVector x) PT_INLINED {
                                     WinogradLanes::store(points + (kWinogradSide * i + j) * point + c, x);
                                   });
    });
  }
}

// Rows and columns of channels, of a block of the gradient.
struct GradBlock {
  int64_t row, rows, col, cols;
};

inline GradBlock grad_block_of(const WinogradGradDesc& d, int64_t block) {
  const int64_t row = block / d.col_blocks * d.row_side, col = block % d.col_blocks * d.col_side;
  return {row, least(d.row_side, d.conv.gather.channels - row), col,
          least(d.col_side, d.conv.product.problem.cols - col)};
}

// The gradients of all taps for rows [begin, end) of a block: adds its groups, which are `apart` elements apart.
inline void finish_grad(const KernelArgs* args, const WinogradGradDesc& d, const GradBlock& b, const float* sums,
                        int64_t groups, int64_t apart, int64_t begin, int64_t end) {
  const MatmulProblem& p = d.conv.product.problem;
  float* out = reinterpret_cast<float*>(args->data[p.out_at]) + b.row * p.out_row + b.col;
  const int64_t tap = d.conv.gather.channels * p.out_row;
  for (int64_t row = begin; row < end; ++row) {
    const float* from = sums + row * d.col_side;
    float* to = out + row * p.out_row;
    for_channels(b.cols, [&](int64_t n, auto load, auto store) PT_INLINED {
      transform_square<GradTaps>(
          [&](int i, int j) PT_INLINED {
            const float* at = from + (kWinogradSide * i + j) * d.point() + n;
            WinogradVector sum = load(at);
            for (int64_t g = 1; g < groups; ++g) sum = WinogradLanes::add(sum, load(at + g * apart));
            return sum;
          },
          [&](int i, int j, WinogradVector x) PT_INLINED { store(to + (kWinogradTaps * i + j) * tap + n, x); });
    });
    if (!d.conv.product.checks_finite) continue;
    for (int64_t t = 0; t < kWinogradTaps * kWinogradTaps; ++t)
      if (run_has_non_finite<uint32_t, kExponentF32>(reinterpret_cast<const char*>(to + t * tap), b.cols,
                                                     sizeof(float)))
        raise_status(args->status, kStatusNonFinite);
  }
}

}  // namespace

// A chunk is a block for one group of tiles.
void winograd_grad(const KernelArgs* args, int64_t chunk) {
  const WinogradGradDesc& d = *static_cast<const WinogradGradDesc*>(args->desc);
  const MatmulDesc& m = d.conv.product;
  const int64_t blocks = d.row_blocks * d.col_blocks;
  const GradBlock b = grad_block_of(d, chunk % blocks);
  const int64_t first = chunk / blocks * d.group, end = least(first + d.group, d.tiles.all());
  float* left = reinterpret_cast<float*>(args->scratch + m.layout.left_block);
  float* right = left + d.right_at;
  const bool alone = d.groups() == 1;
  float* sums =
      alone ? left + d.sums_at : reinterpret_cast<float*>(args->data[m.problem.workspace_at]) + chunk * d.sums();
  const float* source = reinterpret_cast<const float*>(args->data[m.problem.left_at]) + b.row;
  const float* grad = reinterpret_cast<const float*>(args->data[m.problem.right_at]) + b.col;
  const int64_t left_point = kWinogradTileDepth * d.row_side + kWinogradLine;
  const int64_t right_point = kWinogradTileDepth * d.col_side + kWinogradLine;
  for (int64_t tile = first; tile < end; tile += kWinogradTileDepth) {
    const int64_t depth = least(kWinogradTileDepth, end - tile);
    const TileWalk walk = {d.tiles, 0, d.tiles.cols, tile / d.tiles.cols, tile % d.tiles.cols};
    transform_source(d.conv.gather, walk, depth, source, b.rows, left, d.row_side, left_point);
    transform_grad(d.tiles, walk, depth, grad, m.problem.cols, b.cols, right, d.col_side, right_point);
    for (int64_t p = 0; p < kWinogradPoints; ++p)
      for (int64_t col = 0; col < b.cols; col += kWinogradPanel) {
        const Tile<float> t = {left + p * left_point,
                               1,
                               d.row_side,
                               right + p * right_point + col,
                               d.col_side,
                               sums + p * d.point() + col,
                               d.col_side,
                               depth,
                               0,
                               tile > first};
        multiply_panel(t, b.rows, least(kWinogradPanel, b.cols - col), true);
      }
  }
  if (alone) finish_grad(args, d, b, sums, 1, 0, 0, b.rows);
}

// A chunk is some rows of a block.
void winograd_grad_groups(const KernelArgs* args, int64_t chunk) {
  const WinogradGradDesc& d = *static_cast<const WinogradGradDesc*>(args->desc);
  const int64_t parts = ceil_div(d.row_side, kWinogradFinished), block = chunk / parts;
  const GradBlock b = grad_block_of(d, block);
  const int64_t begin = chunk % parts * kWinogradFinished, end = least(begin + kWinogradFinished, b.rows);
  const float* sums = reinterpret_cast<const float*>(args->data[d.conv.product.problem.workspace_at]);
  finish_grad(args, d, b, sums + block * d.sums(), d.groups(), d.row_blocks * d.col_blocks * d.sums(), begin, end);
}

}  // namespace PT_ISA
}  // namespace pt
