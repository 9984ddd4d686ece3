// The gradient of a convolution's input: for each residue class of the stride, a product over gathered dy with the taps
// that meet its pixels; no product with the zeros between the others is made.
#include <algorithm>

#include "ops/conv2d/geometry.h"
#include "ops/conv2d/winograd_plan.h"
#include "ops/copy/plan.h"
#include "ops/matmul/plan.h"

namespace pt {
namespace {

using namespace conv2d;

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

// The product of a class of pixels: how it reads dy.
ConvDesc product_of_class(const Operand& dy, const Operand& w, const Operand& dx, const Sizes& s, const Conv2dParams& p,
                          const TapClass& y, const TapClass& x, ConvScatter scatter) {
  ConvDesc d = {};
  MatmulProblem& m = d.product.problem;
  const bool depthwise = is_depthwise(s);
  const int64_t depth = y.taps * x.taps * s.group_out;
  m = product_of(dy, w, dx, depthwise ? 1 : p.groups, {s.group_out, depth * s.group_in, s.group_in});
  m.rows = s.images * y.pixels * x.pixels;
  m.cols = depthwise ? s.in_channels : s.group_in;
  m.depth = depth;
  m.right_k = m.cols, m.out_row = s.in_channels;
  m.scattered = scatter.step_y > 1 || scatter.step_x > 1;
  d.gather = {y.pixels, x.pixels, 1,      1,           y.offset,     x.offset,    y.tap,
              x.tap,    y.taps,   x.taps, s.group_out, s.out_height, s.out_width, s.out_channels};
  d.scatter = scatter;
  d.source_elements = count(dy.shape);
  return d;
}

void append_class(LaunchPlan& plan, const Operand& dy, const Operand& w, const Operand& dx, const Sizes& s,
                  const Conv2dParams& p, const TapClass& y, const TapClass& x, ConvScatter scatter, int64_t at,
                  const PlanContext& context, const FusedProgram* flat) {
  ConvDesc d = product_of_class(dy, w, dx, s, p, y, x, scatter);
  const size_t first = plan.launches.size();
  append_pixels(plan, d, context, is_depthwise(s), {flat});
  std::vector<int>& operands = plan.launches[first].operands;
  operands = {0, -1, 2};
  for (int i = 3; flat && i <= static_cast<int>(flat->operands.size()); ++i) operands.push_back(i);
  plan.launches[first].byte_offsets.assign(operands.size(), 0);
  plan.launches[first].byte_offsets[1] = at;
  plan.launches[first].bytes = bytes_of(dy) + bytes_of(w) + bytes_of(dx) / (scatter.step_y * scatter.step_x);
}

LaunchPlan plan_input(const Operand& dy, const Operand& w, const Operand& dx, const Conv2dParams& p,
                      const PlanContext& context, const FusedProgram* flat) {
  const Sizes s = check(dx, w, dy, p);
  if (is_pointwise(s, p)) {
    if (!flat) return plan_matmul(pixels(dy), transposed(weight_matrix(w)), pixels(dx), context);
    return plan_matmul(pixels(dy), transposed(weight_matrix(w)), TensorType{dx.dtype, pixels(dx).shape}, *flat,
                       context);
  }
  LaunchPlan plan;
  if (count(dx.shape) == 0) return plan;
  int64_t at = 0;
  for (int64_t ry = 0; ry < std::min(p.stride_h, s.height); ++ry)
    for (int64_t rx = 0; rx < std::min(p.stride_w, s.width); ++rx) {
      const TapClass y = tap_class(ry, s.height, s.kernel_h, p.stride_h, p.pad_top, p.dilation_h);
      const TapClass x = tap_class(rx, s.width, s.kernel_w, p.stride_w, p.pad_left, p.dilation_w);
      const ConvScatter scatter = {p.stride_h, p.stride_w, ry, rx, s.height, s.width, s.in_channels};
      if (input_gradient_by_tiles(s, p, dy, w, dx)) {  // one class: the stride is 1
        ConvDesc d = product_of_class(dy, w, dx, s, p, y, x, scatter);
        append_winograd(plan, d, 1, s.out_channels, context, {flat});
        plan.launches.back().bytes = bytes_of(dy) + bytes_of(w) + bytes_of(dx);
        return plan;
      }
      const int64_t weights = y.taps * x.taps * s.group_in * s.out_channels;
      if (weights > 0) append_turned_weights(plan, w, s, p, y, x, at);
      append_class(plan, dy, w, dx, s, p, y, x, scatter, at, context, flat);
      at += round_up(weights * static_cast<int64_t>(size_of(w.dtype)), 64);
    }
  plan.workspace_bytes = std::max<int64_t>(at, 64);
  return plan;
}

}  // namespace

bool conv2d_grad_input_epilogue_fits(const FusedProgram& program, const TensorType& image, const Conv2dParams& p,
                                     std::string* why) {
  if (p.stride_h == 1 && p.stride_w == 1) return conv2d_epilogue_fits(program, image, why);
  if (why)
    *why = text("the epilogue follows a gradient of stride ", p.stride_h, ", ", p.stride_w,
                "; stride 1 is expected; run it as a program of its own");
  return false;
}

LaunchPlan plan_conv2d_grad_input(const Operand& dy, const Operand& w, const Operand& dx, const Conv2dParams& p,
                                  const PlanContext& context) {
  return plan_input(dy, w, dx, p, context, nullptr);
}

LaunchPlan plan_conv2d_grad_input(const Operand& dy, const Operand& w, const TensorType& dx, const Conv2dParams& p,
                                  const FusedProgram& epilogue, const PlanContext& context) {
  std::string why;
  if (!conv2d_grad_input_epilogue_fits(epilogue, dx, p, &why)) throw Error(text("[conv2d] ", why));
  if (count(dx.shape) == 0) return {};
  FusedProgram flat;
  flatten(epilogue, flat);
  return plan_input(dy, w, {dx.dtype, dx.shape, row_major(dx.shape)}, p, context, &flat);
}

}  // namespace pt
