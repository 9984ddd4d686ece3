// Convolutions of 3 x 3 taps by tiles of 2 x 2 pixels. A chunk transforms its tiles, multiplies their 16 points by the
// transformed weights while both are in the second cache, and transforms the sums back: none of it goes to memory but
// the weights, which all chunks read.
#include "ops/conv2d/winograd_tiles.h"
#include "ops/matmul/finish.h"

namespace pt {
namespace PT_ISA {
namespace {

// Rows [first, first + rows) of a block of so many columns, from weights whose columns are contiguous.
inline void transform_weight_rows(const WinogradWeights& w, int64_t first, int64_t rows, int64_t depth, int64_t cols,
                                  const float* from, int64_t tap_y, int64_t tap_x, int64_t row, float* to) {
  for (int64_t i = first; i < first + rows; ++i, from += row)
    for_channels(cols, [&](int64_t c, auto load, auto) PT_INLINED {
      float* at = to + (c / kWinogradPanel * depth + i) * kWinogradPanel + c % kWinogradPanel;
      transform_square<WeightPoints>([&](int y, int x) PT_INLINED { return load(from + y * tap_y + x * tap_x + c); },
                                     [&](int y, int x, WinogradVector v) PT_INLINED {
                                       WinogradLanes::store(at + (kWinogradSide * y + x) * w.point(), v);
                                     });
    });
}

// One block of the weights. Those whose rows are contiguous are turned a few steps of K at a time.
inline void transform_weights(const WinogradWeights& w, const float* weights, int64_t block, float* to) {
  constexpr int64_t kSteps = 16, kTap = kSteps * kWinogradCols;
  const int64_t k = block / w.col_blocks() * w.kDepth, col = block % w.col_blocks() * kWinogradCols;
  const int64_t depth = least(w.kDepth, w.depth - k), cols = least(kWinogradCols, w.cols - col);
  const float* from = weights + w.first + k * w.row + col * w.col;
  if (w.col == 1) return transform_weight_rows(w, 0, depth, depth, cols, from, w.tap_y, w.tap_x, w.row, to);
  alignas(64) float turned[kWinogradTaps * kWinogradTaps * kTap];
  for (int64_t i = 0; i < depth; i += kSteps) {
    const int64_t steps = least(kSteps, depth - i);
    for (int64_t y = 0; y < kWinogradTaps; ++y)
      for (int64_t x = 0; x < kWinogradTaps; ++x)
        copy_transposed(from + y * w.tap_y + x * w.tap_x + i, w.col, cols, steps,
                        turned + (kWinogradTaps * y + x) * kTap, kWinogradCols);
    transform_weight_rows(w, i, steps, depth, cols, turned, kWinogradTaps * kTap, kTap, kWinogradCols, to);
  }
}

// What a chunk computes: rows [row, row + rows) and columns [col, col + cols) of tiles, and columns of C.
struct WinogradChunk {
  int64_t row, rows, col, cols, out, outs;
  int64_t tiles() const { return rows * cols; }
};

inline WinogradChunk winograd_chunk_of(const WinogradDesc& d, int64_t chunk) {
  const WinogradCut& s = d.cut;
  WinogradChunk c;
  c.col = chunk % s.tile_col_chunks * s.tile_cols;
  chunk /= s.tile_col_chunks;
  c.row = chunk % s.row_chunks * s.tile_rows;
  c.out = chunk / s.row_chunks * s.cols;
  c.rows = least(s.tile_rows, d.tiles.images * d.tiles.rows - c.row);
  c.cols = least(s.tile_cols, d.tiles.cols - c.col);
  c.outs = least(s.cols, d.weights.cols - c.out);
  return c;
}

// sums[p][tile][column] (+)= points[p][tile][k] weights[p][k][column], of one block of the weights.
inline void multiply_block(const WinogradDesc& d, const WinogradChunk& c, const float* points, int64_t row,
                           const float* weights, int64_t depth, float* sums, int64_t cols, bool add) {
  const int64_t point = d.cut.tiles() * row + kWinogradLine, sums_point = d.cut.tiles() * d.cut.cols + kWinogradLine;
  for (int64_t p = 0; p < kWinogradPoints; ++p)
    for (int64_t col = 0; col < cols; col += kWinogradPanel) {
      const Tile<float> tile = {points + p * point,
                                row,
                                1,
                                weights + p * d.weights.point() + col * depth,
                                kWinogradPanel,
                                sums + p * sums_point + col,
                                d.cut.cols,
                                depth,
                                0,
                                add};
      multiply_panel(tile, c.tiles(), least(kWinogradPanel, cols - col), true);
    }
}

// Where pixels of a result go: line `line` (of all images), column x of it.
struct PixelTarget {
  float* at;
  int64_t first_line, first_x;
  int64_t line_pixels, pixel;  // elements of a pixel
  float* of(int64_t line, int64_t x) const { return at + ((line - first_line) * line_pixels + x - first_x) * pixel; }
};

inline void transform_sums(const WinogradDesc& d, const WinogradChunk& c, const float* sums, const PixelTarget& to) {
  const int64_t point = d.cut.tiles() * d.cut.cols + kWinogradLine;
  const WinogradTiles& tiles = d.tiles;
  TileWalk walk = {tiles, c.col, c.col + c.cols, c.row, c.col};
  for (int64_t t = 0; t < c.tiles(); ++t, walk.next(), sums += d.cut.cols) {
    const int64_t line = walk.image() * tiles.height + walk.y();
    const int64_t lines = least(kWinogradStep, tiles.height - walk.y()),
                  xs = least(kWinogradStep, tiles.width - walk.x());
    float* at = to.of(line, walk.x());
    for_channels(c.outs, [&](int64_t n, auto load, auto store) PT_INLINED {
      transform_square<TilePixels>([&](int i, int j)
                                       PT_INLINED { return load(sums + (kWinogradSide * i + j) * point + n); },
                                   [&](int i, int j, WinogradVector x) PT_INLINED {
                                     if (i < lines && j < xs) store(at + (i * to.line_pixels + j) * to.pixel + n, x);
                                   });
    });
  }
}

// Pixels that wait in scratch, to what follows: whole lines at once, where a chunk has whole lines.
inline void run_epilogues(const KernelArgs* args, const WinogradDesc& d, const WinogradChunk& c,
                          const PixelTarget& from, int64_t lines) {
  const MatmulDesc& m = d.conv.product;
  const bool whole = from.line_pixels == d.tiles.width;
  const int64_t at_once = whole ? lines : 1;
  for (int64_t line = from.first_line; line < from.first_line + lines; line += at_once) {
    const MatmulChunk chunk = {0, 0, 1, line * d.tiles.width + from.first_x, at_once * from.line_pixels, c.out, c.outs};
    run_epilogue(args, m, Sums<float>{from.of(line, from.first_x), from.pixel, nullptr, 0}, 0, chunk);
  }
}

inline void finish_pixels(const KernelArgs* args, const WinogradDesc& d, const WinogradChunk& c, const float* sums) {
  const MatmulDesc& m = d.conv.product;
  const WinogradTiles& tiles = d.tiles;
  if (!m.problem.has_epilogue()) {
    float* out = reinterpret_cast<float*>(args->data[m.problem.out_at]) + c.out;
    return transform_sums(d, c, sums, {out, 0, 0, tiles.width, m.problem.out_row});
  }
  const auto line_of = [&](int64_t row) { return row / tiles.rows * tiles.height + row % tiles.rows * kWinogradStep; };
  const int64_t first = line_of(c.row), last = line_of(c.row + c.rows - 1);
  const int64_t end = last + least(kWinogradStep, tiles.height - last % tiles.height);
  const int64_t x = c.col * kWinogradStep;
  const PixelTarget to = {reinterpret_cast<float*>(args->scratch + m.layout.sums), first, x,
                          least(c.cols * kWinogradStep, tiles.width - x), m.layout.sums_row};
  transform_sums(d, c, sums, to);
  run_epilogues(args, d, c, to, end - first);
}

}  // namespace

void winograd(const KernelArgs* args, int64_t chunk) {
  const WinogradDesc& d = *static_cast<const WinogradDesc*>(args->desc);
  const MatmulDesc& m = d.conv.product;
  const WinogradChunk c = winograd_chunk_of(d, chunk);
  const WinogradWeights& w = d.weights;
  float* points = reinterpret_cast<float*>(args->scratch + m.layout.left_block);
  float *sums = points + d.cut.sums_at, *turned = points + d.cut.weights_at;
  const float* source = reinterpret_cast<const float*>(args->data[m.problem.left_at]);
  const float* weights = reinterpret_cast<const float*>(args->data[m.problem.right_at]);
  const int64_t row = round_up(least(w.depth, w.kDepth), kWinogradLine);
  const int64_t point = d.cut.tiles() * row + kWinogradLine;
  for (int64_t k = 0; k < w.depth; k += w.kDepth) {
    const int64_t depth = least(w.kDepth, w.depth - k);
    const TileWalk walk = {d.tiles, c.col, c.col + c.cols, c.row, c.col};
    transform_source(d.conv.gather, walk, c.tiles(), source + k, depth, points, row, point);
    for (int64_t col = 0; col < c.outs; col += kWinogradCols) {
      const int64_t block = k / w.kDepth * w.col_blocks() + (c.out + col) / kWinogradCols;
      const float* right = d.cut.turns_weights ? turned : weights + block * w.block();
      if (d.cut.turns_weights) transform_weights(w, weights, block, turned);
      multiply_block(d, c, points, row, right, depth, sums + col, least(kWinogradCols, c.outs - col), k > 0);
    }
  }
  finish_pixels(args, d, c, sums);
}

// A chunk is a block.
void winograd_weights(const KernelArgs* args, int64_t chunk) {
  const WinogradWeights& w = *static_cast<const WinogradWeights*>(args->desc);
  transform_weights(w, reinterpret_cast<const float*>(args->data[0]), chunk,
                    reinterpret_cast<float*>(args->data[1]) + chunk * w.block());
}

}  // namespace PT_ISA
}  // namespace pt
