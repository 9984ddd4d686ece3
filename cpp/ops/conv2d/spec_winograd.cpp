// Which convolutions go by tiles of 2 x 2 pixels, and how these are cut.
#include <algorithm>

#include "ops/conv2d/geometry.h"
#include "ops/conv2d/winograd_plan.h"

namespace pt::conv2d {
namespace {

// Fewer channels do not pay for the transforms, and smaller images not for those of the weights. Over more channels the
// error of numbers of one sign would pass twice that of the direct sum.
constexpr int64_t kLeastChannels = 32;
constexpr int64_t kMostChannels = 512;
constexpr int64_t kLeastTiles = 4;       // of an image
constexpr int64_t kMostWaste = 3;        // pixels of all tiles, for two of an image
constexpr int64_t kLeastDepth = 64;      // tiles that the gradient of the weights sums,
constexpr int64_t kMostDepth = 1 << 15;  // and the most, before a group's own sum loses what tiles save

// What a chunk has, measured: its tiles, their sums and its part of the weights are in a second cache together.
constexpr int64_t kChunkTiles = 48;
constexpr int64_t kChunkCols = 128;
constexpr int64_t kGradSide = 64;  // channels in and out of a chunk of the gradient of the weights
constexpr int64_t kFewestChunks = 8, kChunksOfThread = 4;

bool has_tiles(const Sizes& s, const Conv2dParams& p) {
  const bool steps = p.stride_h == 1 && p.stride_w == 1 && p.dilation_h == 1 && p.dilation_w == 1 && p.groups == 1;
  return steps && s.kernel_h == kWinogradTaps && s.kernel_w == kWinogradTaps &&
         std::min(s.in_channels, s.out_channels) >= kLeastChannels &&
         std::max(s.in_channels, s.out_channels) <= kMostChannels;
}

bool fills_tiles(int64_t height, int64_t width) {
  const int64_t tiles = ceil_div(height, kWinogradStep) * ceil_div(width, kWinogradStep);
  return tiles >= kLeastTiles && 2 * kWinogradStep * kWinogradStep * tiles <= kMostWaste * height * width;
}

WinogradTiles tiles_of(int64_t images, int64_t height, int64_t width, const ConvGather& g) {
  const ConvWindow window = window_of(g);
  return {images,
          height,
          width,
          ceil_div(height, kWinogradStep),
          ceil_div(width, kWinogradStep),
          g.first_y + window.top,
          g.first_x + window.left};
}

// Rows of tiles that a chunk must have a multiple of: those whose pixels a consumer reads at once.
int64_t rows_together(const WinogradTiles& t, const MatmulProblem& p) {
  if (!p.hands_rows()) return 1;
  const int64_t lines = ceil_div(p.consumer_rows, t.width);
  return lines % kWinogradStep == 0 ? lines / kWinogradStep : lines;
}

WinogradCut cut_of(const WinogradTiles& t, const WinogradWeights& w, const MatmulProblem& p, int64_t threads) {
  const int64_t rows = t.images * t.rows, wanted = std::max(kFewestChunks, kChunksOfThread * threads);
  const int64_t together = rows_together(t, p);
  WinogradCut c = {};
  c.tile_cols = p.hands_rows() ? t.cols : even_part(t.cols, kChunkTiles, 1);
  c.tile_rows = c.tile_cols < t.cols ? 1 : even_part(rows, std::max(kChunkTiles / t.cols, together), together);
  c.tile_col_chunks = ceil_div(t.cols, c.tile_cols);
  c.row_chunks = ceil_div(rows, c.tile_rows);
  const int64_t regions = c.row_chunks * c.tile_col_chunks;
  c.cols = even_part(w.cols, p.hands_rows() ? w.cols : kChunkCols, kWinogradCols);
  while (!p.hands_rows() && c.cols > kWinogradCols && regions * ceil_div(w.cols, c.cols) < wanted)
    c.cols = round_up(c.cols / 2, kWinogradCols);
  c.col_chunks = ceil_div(w.cols, c.cols);
  c.turns_weights = regions == 1;
  const int64_t row = round_up(std::min(w.depth, kWinogradDepth), kWinogradLine);
  c.sums_at = kWinogradPoints * (c.tiles() * row + kWinogradLine);
  c.weights_at = c.sums_at + kWinogradPoints * (c.tiles() * c.cols + kWinogradLine);
  return c;
}

// Transforms all weights, operand 1, into the workspace.
void append_weights(LaunchPlan& plan, const WinogradWeights& w) {
  const int64_t size = static_cast<int64_t>(sizeof(float)), taps = kWinogradTaps * kWinogradTaps;
  Launch launch;
  launch.kernel = "conv2d";
  launch.variant = kWinogradWeights;
  launch.desc = Descriptor::of(w);
  launch.chunks = w.depth_blocks() * w.col_blocks();
  launch.bytes = static_cast<double>((w.elements() + taps * w.depth * w.cols) * size);
  launch.operands = {1, -1};
  plan.launches.push_back(launch);
  plan.workspace_bytes = w.elements() * size;
}

double flops_of(const MatmulProblem& p, int64_t tiles, int64_t depth) {
  return 2.0 * kWinogradPoints * static_cast<double>(tiles) * static_cast<double>(p.cols) * static_cast<double>(depth);
}

bool all_f32(const Operand& a, const Operand& b, const Operand& c) {
  return a.dtype == DType::F32 && b.dtype == DType::F32 && c.dtype == DType::F32;
}

}  // namespace

bool result_by_tiles(const Sizes& s, const Conv2dParams& p, const Operand& x, const Operand& w, const Operand& y) {
  return all_f32(x, w, y) && has_tiles(s, p) && fills_tiles(s.out_height, s.out_width);
}

bool input_gradient_by_tiles(const Sizes& s, const Conv2dParams& p, const Operand& dy, const Operand& w,
                             const Operand& dx) {
  return all_f32(dy, w, dx) && has_tiles(s, p) && fills_tiles(s.height, s.width);
}

bool weight_gradient_by_tiles(const Sizes& s, const Conv2dParams& p, const Operand& x, const Operand& dy,
                              const Operand& dw) {
  const int64_t tiles = s.images * ceil_div(s.out_height, kWinogradStep) * ceil_div(s.out_width, kWinogradStep);
  return all_f32(x, dy, dw) && has_tiles(s, p) && fills_tiles(s.out_height, s.out_width) && tiles >= kLeastDepth &&
         tiles <= kMostDepth;
}

void append_winograd(LaunchPlan& plan, ConvDesc& conv, int64_t weight_row, int64_t weight_col,
                     const PlanContext& context, const Following& flat) {
  WinogradDesc d = {};
  const ConvGather& g = conv.gather;
  MatmulProblem& p = conv.product.problem;
  const FusedProgram after = flat.program ? follow_pixels(p, flat, context) : FusedProgram{};
  const Following following = {flat.program ? &after : nullptr, flat.consumer};
  d.tiles = tiles_of(p.rows / (g.grid_h * g.grid_w), g.grid_h, g.grid_w, g);
  const int64_t tap = g.inner * p.cols, last = g.tap_y < 0 ? kWinogradTaps * kWinogradTaps - 1 : 0;
  d.weights = {g.inner, p.cols, kWinogradTaps * g.tap_y * tap, g.tap_x * tap, weight_row, weight_col, last * tap};
  d.cut = cut_of(d.tiles, d.weights, p, context.threads);
  MatmulSchedule& s = conv.product.schedule;
  s.batch_chunk = s.batch_chunks = s.groups = 1;
  s.row_chunk = kWinogradStep * d.cut.tile_rows * std::min(kWinogradStep * d.cut.tile_cols, d.tiles.width);
  s.row_chunks = d.cut.row_chunks * d.cut.tile_col_chunks;
  s.col_chunk = d.cut.cols, s.col_chunks = d.cut.col_chunks;
  s.padded_left = true;
  s.left_elements = d.cut.weights_at + (d.cut.turns_weights ? d.weights.block() : 0);
  s.direct = !p.has_epilogue();
  conv.product.layout = lay_out(p, s, sizeof(d), following);
  d.conv = conv;
  if (!d.cut.turns_weights) append_weights(plan, d.weights);
  append_product(plan, "conv2d", d.conv.product, sizeof(d), following);
  Launch& launch = plan.launches.back();
  launch.variant = kWinograd;
  launch.flops = flops_of(p, d.tiles.all(), g.inner);
  for (int i = 0; i < p.workspace_at; ++i) launch.operands.push_back(i == p.right_at && !d.cut.turns_weights ? -1 : i);
}

void append_winograd_gradient(LaunchPlan& plan, ConvDesc& conv) {
  WinogradGradDesc d = {};
  const ConvGather& g = conv.gather;
  MatmulProblem& p = conv.product.problem;
  d.tiles = tiles_of(p.depth / (g.grid_h * g.grid_w), g.grid_h, g.grid_w, g);
  d.group = std::max(round_up(ceil_div(d.tiles.all(), kWinogradMostGroups), kWinogradTileDepth), kWinogradLeastGroup);
  d.row_side = even_part(g.inner, kGradSide, kWinogradLine);
  d.col_side = even_part(p.cols, kGradSide, kWinogradLine);
  d.row_blocks = ceil_div(g.inner, d.row_side), d.col_blocks = ceil_div(p.cols, d.col_side);
  d.right_at = kWinogradPoints * (kWinogradTileDepth * d.row_side + kWinogradLine);
  d.sums_at = d.right_at + kWinogradPoints * (kWinogradTileDepth * d.col_side + kWinogradLine);
  const int64_t size = static_cast<int64_t>(sizeof(float)), groups = d.groups(), blocks = d.row_blocks * d.col_blocks;
  d.conv = conv;

  Launch sums;
  sums.kernel = "conv2d";
  sums.variant = kWinogradGrad;
  sums.desc = Descriptor::of(d);
  sums.chunks = groups * blocks;
  sums.scratch_bytes = size * (d.sums_at + (groups == 1 ? d.sums() : 0));
  sums.flops = flops_of(p, d.tiles.all(), g.inner);
  plan.launches.push_back(sums);
  if (groups == 1) return;
  Launch add = sums;
  add.variant = kWinogradGradGroups;
  add.chunks = blocks * ceil_div(d.row_side, kWinogradFinished);
  add.scratch_bytes = 0;
  add.flops = static_cast<double>(groups * blocks * d.sums());
  add.bytes = add.flops * static_cast<double>(size);
  plan.workspace_bytes = groups * blocks * d.sums() * size;
  plan.launches.push_back(add);
}

}  // namespace pt::conv2d
