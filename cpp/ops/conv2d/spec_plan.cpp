// How a convolution becomes products over gathered images.
#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "ops/conv2d/desc.h"
#include "ops/conv2d/plan.h"
#include "ops/copy/plan.h"
#include "ops/matmul/plan.h"
#include "ops/matmul/product.h"

namespace pt {

int64_t conv_output_size(int64_t input, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  const int64_t room = input + padding - (dilation * (kernel - 1) + 1);
  return room < 0 ? 0 : room / stride + 1;
}

namespace {

// The sizes that all three products share.
struct Sizes {
  int64_t images, height, width, in_channels;
  int64_t out_height, out_width, out_channels;
  int64_t kernel_h, kernel_w;
  int64_t group_in, group_out;
};

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

Sizes check(const Operand& x, const Operand& w, const Operand& y, const Conv2dParams& p) {
  check_values(p);
  const auto fail = [&](const std::string& expected) {
    throw ShapeError(text("[conv2d] x is ", x.shape, ", w is ", w.shape, ", y is ", y.shape, "; ", expected));
  };
  if (x.shape.size() != 4 || w.shape.size() != 4 || y.shape.size() != 4)
    fail("x [n, h, w, cin], w [kh, kw, cin / groups, cout] and y [n, oh, ow, cout] are expected; reshape");
  for (const Operand* operand : {&x, &w, &y}) {
    if (!is_row_major(operand->shape, operand->strides)) fail("row-major operands are expected; copy them first");
    const bool known = is_half(operand->dtype) || operand->dtype == DType::F32 || operand->dtype == DType::F64;
    if (!known || (operand->dtype == DType::F64) != (y.dtype == DType::F64))
      throw DTypeError(text("[conv2d] x is ", info(x.dtype).brief, ", w is ", info(w.dtype).brief, ", y is ",
                            info(y.dtype).brief, "; all f64, or a mix of f32, bf16 and f16, is expected; cast one"));
  }
  Sizes s = {x.shape[0], x.shape[1], x.shape[2], x.shape[3], y.shape[1], y.shape[2],
             y.shape[3], w.shape[0], w.shape[1], w.shape[2], 0};
  if (s.in_channels != s.group_in * p.groups || s.out_channels % p.groups != 0)
    fail(text("channels that divide into ", p.groups, " groups, as w has them, are expected; change groups or w"));
  s.group_out = s.out_channels / p.groups;
  const int64_t oh = conv_output_size(s.height, s.kernel_h, p.stride_h, p.pad_top + p.pad_bottom, p.dilation_h);
  const int64_t ow = conv_output_size(s.width, s.kernel_w, p.stride_w, p.pad_left + p.pad_right, p.dilation_w);
  const Shape want = {s.images, oh, ow, w.shape[3]};
  if (y.shape != want) fail(text("y of ", want, " is expected; change padding, stride or dilation"));
  return s;
}

// A convolution that is a plain product over pixels.
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

void set_groups(MatmulDesc& m, int64_t groups, int64_t left, int64_t right, int64_t out) {
  m.batches = groups;
  m.batch_axes = groups > 1 ? 1 : 0;
  m.batch_extent[0] = groups;
  m.left_batch[0] = left, m.right_batch[0] = right, m.out_batch[0] = out;
}

// A program over images as one over rows of pixels, where every operand advances evenly from pixel to pixel.
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

FusedProgram flattened(const FusedProgram& program) {
  FusedProgram flat;
  flatten(program, flat);
  return flat;
}

// Completes a product of pixels and the program that follows it, if any.
Descriptor describe(ConvDesc& d, bool scattered, bool may_split, const FusedProgram* flat) {
  MatmulDesc& m = d.product;
  complete_product(m, true, scattered || flat, may_split);
  if (!flat) return Descriptor::of(d);
  m.epilogue_at = 2;
  m.workspace_at = 1 + static_cast<int>(flat->operands.size());
  Batch groups = {m.rows, {}, {}};
  if (m.batch_axes > 0) groups.extents.push_back(m.batches);
  for (const FusedOperand& operand : flat->operands) {
    const bool whole = operand.strides.size() == 2;  // else the state of a generator
    groups.walks.push_back({whole ? operand.strides[0] : 0, {whole ? operand.strides[1] * m.out_batch[0] : 0}});
  }
  return with_epilogue(m, &d, sizeof(d), *flat, groups, 0);
}

// Reads x, as the forward product and the gradient of the weights do.
ConvGather gather_input(const Sizes& s, const Conv2dParams& p) {
  ConvGather g = {};
  g.grid_h = s.out_height, g.grid_w = s.out_width;
  g.step_y = p.stride_h, g.step_x = p.stride_w;
  g.first_y = -p.pad_top, g.first_x = -p.pad_left;
  g.tap_y = p.dilation_h, g.tap_x = p.dilation_w;
  g.taps_y = s.kernel_h, g.taps_x = s.kernel_w;
  g.inner = s.group_in;
  g.source_h = s.height, g.source_w = s.width, g.channels = s.in_channels;
  return g;
}

void append_pixels(LaunchPlan& plan, ConvDesc& d, bool depthwise, bool scattered, bool may_split,
                   const FusedProgram* flat) {
  const Descriptor descriptor = describe(d, scattered, may_split && !depthwise, flat);
  append_product(plan, "conv2d", descriptor, d.product);
  if (depthwise) plan.launches.back().variant += kDepthwiseF32 - kConvF32;
}

// Taps by channels, always by way of the groups' workspace: a chunk is one group for some channels.
void append_depthwise_weight(LaunchPlan& plan, ConvDesc& d) {
  MatmulDesc& m = d.product;
  complete_product(m, true, false, false);
  m.row_chunk = m.rows, m.row_chunks = 1;
  m.col_chunk = std::min<int64_t>(round_up(m.cols, 32), 128), m.col_chunks = ceil_div(m.cols, m.col_chunk);
  m.groups = ceil_div(m.depth, kGroupDepth);
  m.grouped = false;
  m.sums_row = m.col_chunk;
  m.sums = 0, m.scratch_bytes = m.direct ? 0 : round_up(m.rows * m.sums_row * 8, 64);
  append_product(plan, "conv2d", Descriptor::of(d), m, true);
  Launch& chains = plan.launches[plan.launches.size() - 2];
  chains.variant += kDepthwiseWeightF32 - kConvF32;
  chains.scratch_bytes = m.rows * kBlockDepth * 8;
}

double bytes_of(const Operand& a) { return static_cast<double>(count(a.shape) * size_of(a.dtype)); }

// The taps along one axis that meet the pixels of one residue class of the stride.
struct TapClass {
  int64_t pixels;       // of the class
  int64_t first, step;  // kernel indices first, first + step, ...
  int64_t taps;
  int64_t offset, tap;  // where the class's pixel 0 reads dy for the first tap, and the change from tap to tap
};

TapClass tap_class(int64_t residue, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  TapClass c = {(size - residue + stride - 1) / stride, 0, stride / std::gcd(stride, dilation), 0, 0, 0};
  while (c.first < kernel && (residue + pad - c.first * dilation) % stride != 0) ++c.first;
  if (c.first >= kernel) return c;
  c.taps = (kernel - c.first + c.step - 1) / c.step;
  c.offset = (residue + pad - c.first * dilation) / stride;
  c.tap = -(c.step * dilation) / stride;
  return c;
}

// Copies the weights of the class's taps to the workspace, turned so that input channels are contiguous:
// [group, tap, cout, cin], or [tap, channel] when depthwise.
void append_turned_weights(LaunchPlan& plan, const Operand& w, const Sizes& s, const Conv2dParams& p, const TapClass& y,
                           const TapClass& x, int64_t at) {
  const int64_t cout = s.out_channels, row = s.group_in * cout;
  const int64_t tap_y = y.step * s.kernel_w * row, tap_x = x.step * row;
  Operand from = {w.dtype, {p.groups, y.taps, x.taps, s.group_out, s.group_in}, {s.group_out, tap_y, tap_x, 1, cout}};
  if (is_depthwise(s)) from = {w.dtype, {y.taps, x.taps, cout}, {tap_y, tap_x, 1}};
  const LaunchPlan copy = plan_copy(from, {w.dtype, from.shape, row_major(from.shape)});
  const int64_t first = (y.first * s.kernel_w + x.first) * row * static_cast<int64_t>(size_of(w.dtype));
  for (Launch launch : copy.launches) {
    launch.operands = {1, -1};
    launch.byte_offsets = {first, at};
    plan.launches.push_back(launch);
  }
}

void append_class(LaunchPlan& plan, const Operand& dy, const Operand& w, const Operand& dx, const Sizes& s,
                  const Conv2dParams& p, const TapClass& y, const TapClass& x, ConvScatter scatter, int64_t at,
                  const FusedProgram* flat) {
  ConvDesc d = {};
  MatmulDesc& m = d.product;
  const bool depthwise = is_depthwise(s);
  m.rows = s.images * y.pixels * x.pixels;
  m.cols = depthwise ? s.in_channels : s.group_in;
  m.depth = y.taps * x.taps * s.group_out;
  m.right_k = m.cols, m.right_col = 1;
  m.out_row = s.in_channels, m.out_col = 1;
  m.left_type = dy.dtype, m.right_type = w.dtype, m.out_type = dx.dtype;
  m.left_at = 0, m.right_at = 1, m.out_at = 2;
  set_groups(m, depthwise ? 1 : p.groups, s.group_out, m.depth * s.group_in, s.group_in);
  d.gather = {y.pixels, x.pixels, 1,      1,           y.offset,     x.offset,    y.tap,
              x.tap,    y.taps,   x.taps, s.group_out, s.out_height, s.out_width, s.out_channels};
  d.scatter = scatter;
  d.source_elements = count(dy.shape);
  const size_t first = plan.launches.size();
  append_pixels(plan, d, depthwise, scatter.step_y > 1 || scatter.step_x > 1, false, flat);
  std::vector<int>& operands = plan.launches[first].operands;
  operands = {0, -1, 2};
  for (int i = 3; flat && i <= static_cast<int>(flat->operands.size()); ++i) operands.push_back(i);
  plan.launches[first].byte_offsets.assign(operands.size(), 0);
  plan.launches[first].byte_offsets[1] = at;
  plan.launches[first].bytes = bytes_of(dy) + bytes_of(w) + bytes_of(dx) / (scatter.step_y * scatter.step_x);
}

LaunchPlan plan_forward(const Operand& x, const Operand& w, const Operand& y, const Conv2dParams& p,
                        const FusedProgram* flat) {
  const Sizes s = check(x, w, y, p);
  if (is_pointwise(s, p)) {
    if (!flat) return plan_matmul(pixels(x), weight_matrix(w), pixels(y));
    return plan_matmul(pixels(x), weight_matrix(w), TensorType{y.dtype, pixels(y).shape}, *flat);
  }
  LaunchPlan plan;
  if (count(y.shape) == 0) return plan;
  ConvDesc d = {};
  MatmulDesc& m = d.product;
  const bool depthwise = is_depthwise(s);
  m.rows = s.images * s.out_height * s.out_width;
  m.cols = depthwise ? s.out_channels : s.group_out;
  m.depth = s.kernel_h * s.kernel_w * s.group_in;
  m.right_k = s.out_channels, m.right_col = 1;
  m.out_row = s.out_channels, m.out_col = 1;
  m.left_type = x.dtype, m.right_type = w.dtype, m.out_type = y.dtype;
  m.left_at = 0, m.right_at = 1, m.out_at = 2, m.workspace_at = 3;
  set_groups(m, depthwise ? 1 : p.groups, s.group_in, s.group_out, s.group_out);
  d.gather = gather_input(s, p);
  d.source_elements = count(x.shape);
  d.scatter = {1, 1, 0, 0, s.out_height, s.out_width, s.out_channels};
  append_pixels(plan, d, depthwise, false, true, flat);
  plan.launches[0].bytes = bytes_of(x) + bytes_of(w) + bytes_of(y);
  return plan;
}

LaunchPlan plan_input(const Operand& dy, const Operand& w, const Operand& dx, const Conv2dParams& p,
                      const FusedProgram* flat) {
  const Sizes s = check(dx, w, dy, p);
  if (is_pointwise(s, p)) {
    if (!flat) return plan_matmul(pixels(dy), transposed(weight_matrix(w)), pixels(dx));
    return plan_matmul(pixels(dy), transposed(weight_matrix(w)), TensorType{dx.dtype, pixels(dx).shape}, *flat);
  }
  LaunchPlan plan;
  if (count(dx.shape) == 0) return plan;
  int64_t at = 0;
  for (int64_t ry = 0; ry < std::min(p.stride_h, s.height); ++ry)
    for (int64_t rx = 0; rx < std::min(p.stride_w, s.width); ++rx) {
      const TapClass y = tap_class(ry, s.height, s.kernel_h, p.stride_h, p.pad_top, p.dilation_h);
      const TapClass x = tap_class(rx, s.width, s.kernel_w, p.stride_w, p.pad_left, p.dilation_w);
      const int64_t weights = y.taps * x.taps * s.group_in * s.out_channels;
      if (weights > 0) append_turned_weights(plan, w, s, p, y, x, at);
      append_class(plan, dy, w, dx, s, p, y, x, {p.stride_h, p.stride_w, ry, rx, s.height, s.width, s.in_channels}, at,
                   flat);
      at += round_up(weights * static_cast<int64_t>(size_of(w.dtype)), 64);
    }
  plan.workspace_bytes = std::max<int64_t>(at, 64);
  return plan;
}

}  // namespace

bool conv2d_epilogue_fits(const FusedProgram& program, const TensorType& image, std::string* why) {
  if (!epilogue_fits(program, image.shape, image.dtype, why)) return false;
  FusedProgram flat;
  if (image.shape.size() == 4 && (count(image.shape) == 0 || flatten(program, flat))) return true;
  if (why)
    *why = text("the epilogue over ", image.shape, " has an operand that does not advance evenly over n, h and w; all ",
                "or none of these axes broadcast is expected; copy it");
  return false;
}

bool conv2d_grad_input_epilogue_fits(const FusedProgram& program, const TensorType& image, const Conv2dParams& p,
                                     std::string* why) {
  if (p.stride_h == 1 && p.stride_w == 1) return conv2d_epilogue_fits(program, image, why);
  if (why)
    *why = text("the epilogue follows a gradient of stride ", p.stride_h, ", ", p.stride_w,
                "; stride 1 is expected; run it as a program of its own");
  return false;
}

LaunchPlan plan_conv2d(const Operand& x, const Operand& w, const Operand& y, const Conv2dParams& p) {
  return plan_forward(x, w, y, p, nullptr);
}

LaunchPlan plan_conv2d(const Operand& x, const Operand& w, const TensorType& y, const Conv2dParams& p,
                       const FusedProgram& epilogue) {
  std::string why;
  if (!conv2d_epilogue_fits(epilogue, y, &why)) throw Error(text("[conv2d] ", why));
  if (count(y.shape) == 0) return {};
  const FusedProgram flat = flattened(epilogue);
  return plan_forward(x, w, {y.dtype, y.shape, row_major(y.shape)}, p, &flat);
}

LaunchPlan plan_conv2d_grad_input(const Operand& dy, const Operand& w, const Operand& dx, const Conv2dParams& p) {
  return plan_input(dy, w, dx, p, nullptr);
}

LaunchPlan plan_conv2d_grad_input(const Operand& dy, const Operand& w, const TensorType& dx, const Conv2dParams& p,
                                  const FusedProgram& epilogue) {
  std::string why;
  if (!conv2d_grad_input_epilogue_fits(epilogue, dx, p, &why)) throw Error(text("[conv2d] ", why));
  if (count(dx.shape) == 0) return {};
  const FusedProgram flat = flattened(epilogue);
  return plan_input(dy, w, {dx.dtype, dx.shape, row_major(dx.shape)}, p, &flat);
}

LaunchPlan plan_conv2d_grad_weight(const Operand& x, const Operand& dy, const Operand& dw, const Conv2dParams& p) {
  const Sizes s = check(x, dw, dy, p);
  if (is_pointwise(s, p)) return plan_matmul(transposed(pixels(x)), pixels(dy), weight_matrix(dw));
  LaunchPlan plan;
  if (count(dw.shape) == 0) return plan;
  ConvDesc d = {};
  MatmulDesc& m = d.product;
  m.depth = s.images * s.out_height * s.out_width;
  const bool depthwise = is_depthwise(s) && m.depth > 0;
  m.rows = s.kernel_h * s.kernel_w * s.group_in;
  m.cols = depthwise ? s.out_channels : s.group_out;
  m.right_k = s.out_channels, m.right_col = 1;
  m.out_row = s.out_channels, m.out_col = 1;
  m.left_type = x.dtype, m.right_type = dy.dtype, m.out_type = dw.dtype;
  m.left_at = 0, m.right_at = 1, m.out_at = 2, m.workspace_at = 3;
  set_groups(m, depthwise ? 1 : p.groups, s.group_in, s.group_out, s.group_out);
  d.gather = gather_input(s, p);
  d.source_elements = count(x.shape);
  if (depthwise) {
    append_depthwise_weight(plan, d);
  } else {
    complete_product(m, true);
    append_product(plan, "conv2d", Descriptor::of(d), m);
    plan.launches[0].variant += kConvWeightF32 - kConvF32;
  }
  plan.launches[0].bytes = bytes_of(x) + bytes_of(dw) + bytes_of(dy);
  return plan;
}

}  // namespace pt
