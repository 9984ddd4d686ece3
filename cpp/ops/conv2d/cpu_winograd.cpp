// Convolutions of 3 x 3 taps by tiles of 2 x 2 pixels. A chunk transforms its tiles, multiplies their 16 points by the
// transformed weights while both are in the second cache, and transforms the sums back: none of it goes to memory but
// the weights, which all chunks read.
#include "ops/all_finite/run.h"
#include "ops/conv2d/winograd_points.h"
#include "ops/matmul/finish.h"
#include "ops/matmul/tile.h"

namespace pt {
namespace PT_ISA {
namespace {

constexpr int64_t kPanel = kTileVectors * Register<float>::kLanes;
static_assert(kWinogradCols % kPanel == 0 && kPanel % WinogradLanes::lanes == 0);

// Tiles one after the other: of the columns [begin, end) of each row of tiles, counted over all images.
struct TileWalk {
  const WinogradTiles& tiles;
  int64_t begin, end, row, col;

  int64_t image() const { return row / tiles.rows; }
  int64_t y() const { return row % tiles.rows * kWinogradStep; }  // of the first pixel
  int64_t x() const { return col * kWinogradStep; }
  void next() {
    if (++col == end) col = begin, ++row;
  }
};

alignas(64) const float kOutside[kWinogradDepth] = {};

// Side x side pixels of an image of such a size, from (y, x) on: where the channels of each begin, zeros outside.
template <int Side>
inline void find_pixels(const float* image, int64_t height, int64_t width, int64_t channels, int64_t y, int64_t x,
                        const float* (&pixel)[Side * Side]) {
  for (int64_t i = 0; i < Side; ++i)
    for (int64_t j = 0; j < Side; ++j) {
      const bool inside = y + i >= 0 && y + i < height && x + j >= 0 && x + j < width;
      pixel[Side * i + j] = inside ? image + ((y + i) * width + x + j) * channels : kOutside;
    }
}

// points[p][tile][channel] of so many tiles, from the pixels around them; rows of channels are `row` apart. source: its
// first channel. At most kWinogradDepth channels.
inline void transform_source(const ConvGather& g, TileWalk walk, int64_t tiles, const float* source, int64_t channels,
                             float* points, int64_t row, int64_t point) {
  for (int64_t t = 0; t < tiles; ++t, walk.next(), points += row) {
    const float* pixel[kWinogradPoints];
    find_pixels<kWinogradSide>(source + walk.image() * g.source_h * g.source_w * g.channels, g.source_h, g.source_w,
                               g.channels, walk.y() + walk.tiles.first_y, walk.x() + walk.tiles.first_x, pixel);
    for_channels(channels, [&](int64_t c, auto load, auto) PT_INLINED {
      transform_square<SourcePoints>([&](int i, int j) PT_INLINED { return load(pixel[kWinogradSide * i + j] + c); },
                                     [&](int i, int j, WinogradVector x) PT_INLINED {
                                       WinogradLanes::store(points + (kWinogradSide * i + j) * point + c, x);
                                     });
    });
  }
}

// The same of the gradient of a result, whose pixels are those of the tiles.
inline void transform_grad(const WinogradTiles& tiles, TileWalk walk, int64_t count, const float* grad, int64_t all,
                           int64_t channels, float* points, int64_t row, int64_t point) {
  for (int64_t t = 0; t < count; ++t, walk.next(), points += row) {
    const float* pixel[kWinogradStep * kWinogradStep];
    find_pixels<kWinogradStep>(grad + walk.image() * tiles.height * tiles.width * all, tiles.height, tiles.width, all,
                               walk.y(), walk.x(), pixel);
    for_channels(channels, [&](int64_t c, auto load, auto) PT_INLINED {
      transform_square<GradPoints>([&](int i, int j) PT_INLINED { return load(pixel[kWinogradStep * i + j] + c); },
                                   [&](int i, int j, WinogradVector x) PT_INLINED {
                                     WinogradLanes::store(points + (kWinogradSide * i + j) * point + c, x);
                                   });
    });
  }
}

// Rows [first, first + rows) of a block of so many columns, from weights whose columns are contiguous.
inline void transform_weight_rows(const WinogradWeights& w, int64_t first, int64_t rows, int64_t depth, int64_t cols,
                                  const float* from, int64_t tap_y, int64_t tap_x, int64_t row, float* to) {
  for (int64_t i = first; i < first + rows; ++i, from += row)
    for_channels(cols, [&](int64_t c, auto load, auto) PT_INLINED {
      float* at = to + (c / kPanel * depth + i) * kPanel + c % kPanel;
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
    for (int64_t col = 0; col < cols; col += kPanel) {
      const Tile<float> tile = {points + p * point,
                                row,
                                1,
                                weights + p * d.weights.point() + col * depth,
                                kPanel,
                                sums + p * sums_point + col,
                                d.cut.cols,
                                depth,
                                0,
                                add};
      multiply_panel(tile, c.tiles(), least(kPanel, cols - col), true);
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

namespace {

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
      for (int64_t col = 0; col < b.cols; col += kPanel) {
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
        multiply_panel(t, b.rows, least(kPanel, b.cols - col), true);
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
