// How a convolution is cut: by lines of pixels where they are read with zeros around them.
#include <algorithm>

#include "ops/conv2d/geometry.h"

namespace pt::conv2d {
namespace {

constexpr int64_t kShortestLine = 4;        // pixels: a tile stays within a line
constexpr int64_t kMostPadded = 160 << 10;  // elements of a chunk: 640 KiB of f32 in a second cache of one MiB
constexpr int64_t kFewestRows = 64;         // of a chunk, before a gather is better
constexpr int64_t kMostPixels = 512;        // of a chunk, where their lines are few enough to leave room for its sums:
constexpr int64_t kFewPadded = 96 << 10;    // so many elements

// Of so many neighbouring lines, whatever the image that they begin in: the first line of each image needs the rows of
// a window, every other one a step of rows. Where windows are lower than a step, fewer images need more rows.
int64_t padded_elements(const ConvGather& g, int64_t lines) {
  const ConvWindow window = window_of(g);
  const int64_t fewest = ceil_div(lines, g.grid_h), most = std::min((lines + g.grid_h - 2) / g.grid_h + 1, lines);
  const int64_t images = window.height < g.step_y ? fewest : most;
  return ((lines - images) * g.step_y + images * window.height) * window.row_pixels(g) * g.inner;
}

// Whether lines are worth more than a gather: few of their pixels must be read by no tap.
bool pays_padding(const ConvGather& g) {
  const ConvWindow w = window_of(g);
  return g.grid_w >= kShortestLine && g.grid_w <= kMostRegionRows && g.taps_y * g.taps_x > g.step_y * g.step_x &&
         w.height * w.width <= 4 * g.taps_y * g.taps_x;
}

// Rows of a chunk that reads padded lines. Where they are channels of taps, the kernel keeps a note of each run of them
// (a region may begin and end within one).
int64_t most_rows(const ConvGather& g, bool rows_are_pixels) {
  if (!rows_are_pixels) return std::clamp((kBlockDepth - 2) * tap_run(g), kMostRegionRows, kMostTapRows);
  return padded_elements(g, kMostPixels / g.grid_w) <= kFewPadded ? kMostPixels : kMostRegionRows;
}

}  // namespace

MatmulSchedule schedule_convolution(const ConvDesc& d, const PlanContext& context, bool rows_are_pixels) {
  const MatmulProblem& p = d.product.problem;
  const ConvGather& g = d.gather;
  const int64_t together = p.hands_rows() ? ceil_div(p.consumer_rows, g.grid_w) : 1;  // lines
  if (pays_padding(g)) {
    int64_t lines = (kBlockDepth - 2) / g.grid_w + 2;  // of a block of K, where that is pixels
    MatmulSchedule s = schedule_product(p, context,
                                        {.row_unit = rows_are_pixels ? together * g.grid_w : 0,
                                         .padded_elements = padded_elements(g, lines),
                                         .most_rows = most_rows(g, rows_are_pixels),
                                         .whole_rows = p.hands_rows()});
    const int64_t wanted = s.row_chunk;
    if (rows_are_pixels) {
      lines = wanted / g.grid_w;
      while (lines > together && padded_elements(g, lines) > kMostPadded) lines = round_up((lines + 1) / 2, together);
      s.left_elements = padded_elements(g, lines);
      s.row_chunk = lines * g.grid_w, s.row_chunks = ceil_div(p.rows, s.row_chunk);
    }
    const bool enough = !rows_are_pixels || s.row_chunk >= std::min(wanted, kFewestRows);
    if (s.left_elements <= kMostPadded && enough) return s;
  }
  return schedule_product(p, context,
                          {.row_unit = p.hands_rows() ? together * g.grid_w : 0, .whole_rows = p.hands_rows()});
}

FusedProgram follow_pixels(MatmulProblem& p, const Following& flat, const PlanContext& context) {
  p.epilogue_at = 2;
  p.workspace_at = 1 + static_cast<int>(flat.program->operands.size());
  Batch groups = {p.rows, {}, {}};
  if (p.batch_axes > 0) groups.extents.push_back(p.batches);
  for (const FusedOperand& operand : flat.program->operands) {
    const bool whole = operand.strides.size() == 2;  // else the state of a generator
    groups.walks.push_back({whole ? operand.strides[0] : 0, {whole ? operand.strides[1] * p.out_batch[0] : 0}});
  }
  const FusedProgram after = follow(p, *flat.program, groups, 0);
  if (flat.consumer) hand_to(p, *flat.consumer, context);
  return after;
}

void append_pixels(LaunchPlan& plan, ConvDesc& d, const PlanContext& context, bool depthwise, const Following& flat) {
  MatmulProblem& p = d.product.problem;
  const FusedProgram after = flat.program ? follow_pixels(p, flat, context) : FusedProgram{};
  const Following following = {flat.program ? &after : nullptr, flat.consumer};
  d.product.schedule = depthwise ? schedule_product(p, context) : schedule_convolution(d, context, true);
  d.product.layout = lay_out(p, d.product.schedule, sizeof(d), following);
  append_product(plan, "conv2d", d.product, sizeof(d), following);
  if (depthwise) plan.launches.back().variant += kDepthwiseF32 - kConvF32;
}

}  // namespace pt::conv2d
