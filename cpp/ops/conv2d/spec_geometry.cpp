#include <algorithm>

#include "ops/conv2d/geometry.h"

namespace pt {

int64_t conv_output_size(int64_t input, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  const int64_t room = input + padding - (dilation * (kernel - 1) + 1);
  return room < 0 ? 0 : room / stride + 1;
}

namespace {

void check_values(const Conv2dParams& p) {
  const std::pair<const char*, int64_t> positive[] = {{"stride_h", p.stride_h},
                                                      {"stride_w", p.stride_w},
                                                      {"dilation_h", p.dilation_h},
                                                      {"dilation_w", p.dilation_w},
                                                      {"groups", p.groups}};
  for (auto& [name, value] : positive)
    if (value < 1) throw ShapeError(text("[conv2d] ", name, " = ", value, "; at least 1 is expected; for example 1"));
  const std::pair<const char*, int64_t> padding[] = {
      {"pad_top", p.pad_top}, {"pad_bottom", p.pad_bottom}, {"pad_left", p.pad_left}, {"pad_right", p.pad_right}};
  for (auto& [name, value] : padding)
    if (value < 0) throw ShapeError(text("[conv2d] ", name, " = ", value, "; at least 0 is expected; slice the input"));
}

}  // namespace

namespace conv2d {

Sizes check(const Operand& x, const Operand& w, const Operand& y, const Conv2dParams& p) {
  check_values(p);
  const auto fail = [&](const std::string& expected) {
    throw ShapeError(text("[conv2d] input is ", x.shape, ", weight is ", w.shape, ", y is ", y.shape, "; ", expected));
  };
  if (x.shape.size() != 4 || w.shape.size() != 4 || y.shape.size() != 4)
    fail("input [n, h, w, cin], weight [kh, kw, cin / groups, cout] and y [n, oh, ow, cout] are expected; reshape");
  for (const Operand* operand : {&x, &w, &y}) {
    if (!is_row_major(operand->shape, operand->strides)) fail("row-major operands are expected; copy them first");
    const bool known = is_half(operand->dtype) || operand->dtype == DType::F32 || operand->dtype == DType::F64;
    if (!known || (operand->dtype == DType::F64) != (y.dtype == DType::F64))
      throw DTypeError(text("[conv2d] input is ", info(x.dtype).brief, ", weight is ", info(w.dtype).brief, ", y is ",
                            info(y.dtype).brief, "; all f64, or a mix of f32, bf16 and f16, is expected; cast one"));
  }
  Sizes s = {x.shape[0], x.shape[1], x.shape[2], x.shape[3], y.shape[1], y.shape[2],
             y.shape[3], w.shape[0], w.shape[1], w.shape[2], 0};
  if (s.in_channels != s.group_in * p.groups || s.out_channels % p.groups != 0)
    fail(text("channels that divide into ", p.groups,
              " groups, as weight has them, are expected; change groups or weight"));
  s.group_out = s.out_channels / p.groups;
  const int64_t oh = conv_output_size(s.height, s.kernel_h, p.stride_h, p.pad_top + p.pad_bottom, p.dilation_h);
  const int64_t ow = conv_output_size(s.width, s.kernel_w, p.stride_w, p.pad_left + p.pad_right, p.dilation_w);
  const Shape want = {s.images, oh, ow, w.shape[3]};
  if (y.shape != want) fail(text("y of ", want, " is expected; change padding, stride or dilation"));
  return s;
}

bool is_pointwise(const Sizes& s, const Conv2dParams& p) {
  return s.kernel_h == 1 && s.kernel_w == 1 && p.stride_h == 1 && p.stride_w == 1 && p.groups == 1 &&
         p.pad_top + p.pad_bottom + p.pad_left + p.pad_right == 0;
}

bool is_depthwise(const Sizes& s) {
  return s.group_in == 1 && s.group_out == 1 && s.kernel_h * s.kernel_w <= kDepthwiseMaxTaps;
}

Operand pixels(const Operand& image) {
  const Shape& s = image.shape;
  return {image.dtype, {s[0] * s[1] * s[2], s[3]}, {s[3], 1}};
}
Operand transposed(const Operand& m) { return {m.dtype, {m.shape[1], m.shape[0]}, {m.strides[1], m.strides[0]}}; }
Operand weight_matrix(const Operand& w) { return {w.dtype, {w.shape[2], w.shape[3]}, {w.shape[3], 1}}; }

double bytes_of(const Operand& a) { return static_cast<double>(count(a.shape) * size_of(a.dtype)); }

void set_groups(MatmulDesc& m, int64_t groups, int64_t left, int64_t right, int64_t out) {
  m.batches = groups;
  m.batch_axes = groups > 1 ? 1 : 0;
  m.batch_extent[0] = groups;
  m.left_batch[0] = left, m.right_batch[0] = right, m.out_batch[0] = out;
}

bool flatten(const FusedProgram& program, FusedProgram& flat) {
  const Shape& s = program.extents;
  Batch batch = {s[2], {s[0], s[1]}, {}};
  const Walk image = {1, {s[1] * s[2], s[2]}};
  batch.walks = {image, {0, {0, 0}}, image};
  for (size_t i = 0; i < program.operands.size(); ++i) {
    const Strides& strides = program.operands[i].strides;
    batch.walks.push_back(i > 0 && strides.size() == 4 ? Walk{strides[2], {strides[0], strides[1]}} : image);
  }
  simplify(batch);
  if (!batch.extents.empty()) return false;
  flat = program;
  flat.extents = {batch.rows, s[3]};
  for (size_t i = 0; i < program.operands.size(); ++i)
    if (i == 0 || program.operands[i].strides.size() == 4)
      flat.operands[i].strides = {batch.walks[i + 3].row, i == 0 ? 1 : program.operands[i].strides[3]};
  return true;
}

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

void complete_convolution(ConvDesc& d, const PlanContext& context, bool rows_are_pixels, bool scattered,
                          bool may_split) {
  MatmulDesc& m = d.product;
  const ConvGather& g = d.gather;
  const int64_t together = d.pooled_at > 0 ? d.pool.stride_h : 1;  // lines
  if (pays_padding(g)) {
    m.padded_left = true;
    m.row_unit = rows_are_pixels ? together * g.grid_w : 0;
    m.most_rows = most_rows(g, rows_are_pixels);
    int64_t lines = (kBlockDepth - 2) / g.grid_w + 2;  // of a block of K, where that is pixels
    m.left_elements = padded_elements(g, lines);
    choose_chunks(m, context, true, may_split);
    if (rows_are_pixels) {
      lines = m.row_chunk / g.grid_w;
      while (lines > together && padded_elements(g, lines) > kMostPadded) lines = round_up((lines + 1) / 2, together);
      m.left_elements = padded_elements(g, lines);
    }
    const bool enough = !rows_are_pixels || lines * g.grid_w >= std::min(m.row_chunk, kFewestRows);
    if (m.left_elements <= kMostPadded && enough) {
      if (rows_are_pixels) m.row_chunk = lines * g.grid_w, m.row_chunks = ceil_div(m.rows, m.row_chunk);
      return lay_out_product(m, scattered);
    }
    m.padded_left = false;
    m.row_unit = m.most_rows = 0;
  }
  if (d.pooled_at > 0) m.row_unit = together * g.grid_w;
  complete_product(m, context, true, scattered, may_split);
}

// Completes a product of pixels, and lowers the program that follows it.
static Descriptor describe(ConvDesc& d, const PlanContext& context, bool depthwise, bool scattered, bool may_split,
                           const FusedProgram* flat) {
  MatmulDesc& m = d.product;
  if (depthwise) {
    complete_product(m, context, true, scattered || flat, false);
  } else {
    complete_convolution(d, context, true, scattered || flat, may_split);
  }
  if (!flat) return Descriptor::of(d);
  m.epilogue_at = 2;
  m.workspace_at = 1 + static_cast<int>(flat->operands.size());
  if (d.pooled_at > 0) ++m.workspace_at, m.keeps_result = true, d.pool.pixel = m.sums_row;
  Batch groups = {m.rows, {}, {}};
  if (m.batch_axes > 0) groups.extents.push_back(m.batches);
  for (const FusedOperand& operand : flat->operands) {
    const bool whole = operand.strides.size() == 2;  // else the state of a generator
    groups.walks.push_back({whole ? operand.strides[0] : 0, {whole ? operand.strides[1] * m.out_batch[0] : 0}});
  }
  return with_epilogue(m, &d, sizeof(d), *flat, groups, 0);
}

void append_pixels(LaunchPlan& plan, ConvDesc& d, const PlanContext& context, bool depthwise, bool scattered,
                   bool may_split, const FusedProgram* flat) {
  const Descriptor descriptor = describe(d, context, depthwise, scattered, may_split, flat);
  append_product(plan, "conv2d", descriptor, d.product);
  if (depthwise) plan.launches.back().variant += kDepthwiseF32 - kConvF32;
}

}  // namespace conv2d
}  // namespace pt
