#include <numeric>
#include <tuple>

#include "ops/conv2d/geometry.h"
#include "ops/window_sizes.h"

namespace pt {

Conv2dParams conv2d_params(const Attrs& attrs, const std::string& op) {
  Conv2dParams p;
  std::tie(p.stride_h, p.stride_w) = pair_of(attrs, "stride", op);
  std::tie(p.pad_top, p.pad_left) = pair_of(attrs, "padding", op);
  std::tie(p.dilation_h, p.dilation_w) = pair_of(attrs, "dilation", op);
  p.pad_bottom = p.pad_top, p.pad_right = p.pad_left;
  p.groups = attrs.integer("groups");
  return p;
}

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

TapClass tap_class(int64_t residue, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  TapClass c = {(size - residue + stride - 1) / stride, 0, stride / std::gcd(stride, dilation), 0, 0, 0};
  while (c.first < kernel && (residue + pad - c.first * dilation) % stride != 0) ++c.first;
  if (c.first >= kernel) return c;
  c.taps = (kernel - c.first + c.step - 1) / c.step;
  c.offset = (residue + pad - c.first * dilation) / stride;
  c.tap = -(c.step * dilation) / stride;
  return c;
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

MatmulProblem product_of(const Operand& left, const Operand& right, const Operand& out, int64_t groups,
                         GroupStrides apart) {
  MatmulProblem p = {};
  p.left_type = left.dtype, p.right_type = right.dtype, p.out_type = out.dtype;
  p.left_at = 0, p.right_at = 1, p.out_at = 2, p.workspace_at = 3;
  p.right_col = 1, p.out_col = 1;
  p.gathered = true;
  p.batches = groups;
  p.batch_axes = groups > 1 ? 1 : 0;
  p.batch_extent[0] = groups;
  p.left_batch[0] = apart.left, p.right_batch[0] = apart.right, p.out_batch[0] = apart.out;
  return p;
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

}  // namespace conv2d
}  // namespace pt
