// The convolution and the gradient of its weights as products over gathered images.
#include <algorithm>

#include "ops/conv2d/geometry.h"
#include "ops/conv2d/plan.h"
#include "ops/conv2d/winograd_plan.h"
#include "ops/cpu_target.h"
#include "ops/matmul/plan.h"

namespace pt {
namespace {

using namespace conv2d;

// Channels of pixels whose rows go to a consumer: fewer leave its vectors half empty. All of them must be in one
// region.
constexpr int64_t kLeastHanded = 16;

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

// Taps by channels, always by way of the groups' workspace: a chunk is one group for some channels.
void append_depthwise_weight(LaunchPlan& plan, ConvDesc& d, const PlanContext& context) {
  const MatmulProblem& p = d.product.problem;
  MatmulSchedule& s = d.product.schedule;
  s = schedule_product(p, context);
  set_chunks(s, p, p.rows, std::min<int64_t>(round_up(p.cols, 32), 128), 1, 1);
  s.groups = ceil_div(p.depth, kGroupDepth);
  s.grouped = s.copy_left = s.copy_right = false;
  d.product.layout = lay_out(p, s, sizeof(d));
  append_product(plan, "conv2d", d.product, sizeof(d), {}, true);
  Launch& chains = plan.launches[plan.launches.size() - 2];
  chains.variant += kDepthwiseWeightF32 - kConvF32;
  chains.scratch_bytes = p.rows * kBlockDepth * static_cast<int64_t>(sizeof(int64_t));  // where its taps are
}

LaunchPlan plan_forward(const Operand& x, const Operand& w, const Operand& y, const Conv2dParams& p,
                        const PlanContext& context, const Following& flat = {}) {
  const Sizes s = check(x, w, y, p);
  if (is_pointwise(s, p)) {
    if (!flat.program) return plan_matmul(pixels(x), weight_matrix(w), pixels(y), context);
    return plan_matmul(pixels(x), weight_matrix(w), TensorType{y.dtype, pixels(y).shape}, *flat.program, context);
  }
  LaunchPlan plan;
  if (count(y.shape) == 0) return plan;
  ConvDesc d = {};
  MatmulProblem& m = d.product.problem;
  const bool depthwise = is_depthwise(s);
  m = product_of(x, w, y, depthwise ? 1 : p.groups, {s.group_in, s.group_out, s.group_out});
  m.rows = s.images * s.out_height * s.out_width;
  m.cols = depthwise ? s.out_channels : s.group_out;
  m.depth = s.kernel_h * s.kernel_w * s.group_in;
  m.right_k = m.out_row = s.out_channels;
  m.may_split = !depthwise;
  d.gather = gather_input(s, p);
  d.source_elements = count(x.shape);
  d.scatter = {1, 1, 0, 0, s.out_height, s.out_width, s.out_channels};
  const double bytes = bytes_of(x) + bytes_of(w) + (flat.consumer ? flat.consumer->bytes : bytes_of(y));
  if (result_by_tiles(s, p, x, w, y)) {
    append_winograd(plan, d, s.out_channels, 1, context, flat);
    plan.launches.back().bytes = bytes;
    return plan;
  }
  append_pixels(plan, d, context, depthwise, flat);
  plan.launches[0].bytes = bytes;
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

LaunchPlan plan_conv2d(const Operand& x, const Operand& w, const Operand& y, const Conv2dParams& p,
                       const PlanContext& context) {
  return plan_forward(x, w, y, p, context);
}

bool conv2d_hands_rows(const FusedProgram& program, const Shape& x, const Shape& w, const TensorType& y,
                       const Conv2dParams& p, const RowConsumer& consumer) {
  const Operand image = {y.dtype, x, row_major(x)}, weights = {y.dtype, w, row_major(w)};
  const Operand result = {y.dtype, y.shape, row_major(y.shape)};
  const Sizes s = check(image, weights, result, p);
  const bool in_one_region =
      !is_pointwise(s, p) && p.groups == 1 && s.out_channels >= kLeastHanded && s.out_channels <= kMostRegionCols;
  const bool one_result = static_cast<int>(program.operands.size()) == program.inputs + 1 &&
                          program.operands.back().dtype == compute_dtype(y.dtype);
  // Regions are whole lines, and end where a chunk of the consumer does.
  const int64_t lines = s.images * s.out_height, together = ceil_div(consumer.rows, s.out_width);
  const bool even = consumer.rows % s.out_width == 0 ? lines % together == 0 : s.out_width % consumer.rows == 0;
  // Tiles finish lines by twos.
  const bool finished = s.out_height % kWinogradStep == 0 || !result_by_tiles(s, p, image, weights, result);
  return in_one_region && one_result && even && finished && together * s.out_width <= kMostRegionRows &&
         consumer.launch.scratch_bytes == 0;
}

LaunchPlan plan_conv2d(const Operand& x, const Operand& w, const TensorType& y, const Conv2dParams& p,
                       const FusedProgram& epilogue, const PlanContext& context, const RowConsumer* consumer) {
  std::string why;
  if (!conv2d_epilogue_fits(epilogue, y, &why)) throw Error(text("[conv2d] ", why));
  if (consumer && !conv2d_hands_rows(epilogue, x.shape, w.shape, y, p, *consumer))
    throw Error(text("[conv2d] a consumer of ", consumer->rows, " rows of ", y.shape, "; expected one that ",
                     "conv2d_hands_rows accepts; run it as a launch of its own"));
  if (count(y.shape) == 0) return {};
  FusedProgram flat;
  flatten(epilogue, flat);
  return plan_forward(x, w, {y.dtype, y.shape, row_major(y.shape)}, p, context, {&flat, consumer});
}

LaunchPlan plan_conv2d_grad_weight(const Operand& x, const Operand& dy, const Operand& dw, const Conv2dParams& p,
                                   const PlanContext& context) {
  const Sizes s = check(x, dw, dy, p);
  if (is_pointwise(s, p)) return plan_matmul(transposed(pixels(x)), pixels(dy), weight_matrix(dw), context);
  LaunchPlan plan;
  if (count(dw.shape) == 0) return plan;
  ConvDesc d = {};
  MatmulProblem& m = d.product.problem;
  const int64_t depth = s.images * s.out_height * s.out_width;
  const bool depthwise = is_depthwise(s) && depth > 0;
  m = product_of(x, dy, dw, depthwise ? 1 : p.groups, {s.group_in, s.group_out, s.group_out});
  m.rows = s.kernel_h * s.kernel_w * s.group_in;
  m.cols = depthwise ? s.out_channels : s.group_out;
  m.depth = depth;
  m.right_k = m.out_row = s.out_channels;
  m.may_split = !depthwise;
  d.gather = gather_input(s, p);
  d.source_elements = count(x.shape);
  if (depthwise) {
    append_depthwise_weight(plan, d, context);
  } else if (weight_gradient_by_tiles(s, p, x, dy, dw)) {
    append_winograd_gradient(plan, d);
  } else {
    d.product.schedule = schedule_convolution(d, context, false);
    d.product.layout = lay_out(m, d.product.schedule, sizeof(d));
    append_product(plan, "conv2d", d.product, sizeof(d));
    plan.launches[0].variant += kConvWeightF32 - kConvF32;
  }
  let_check(plan, d.product, dw);
  plan.launches[0].bytes = bytes_of(x) + bytes_of(dw) + bytes_of(dy);
  return plan;
}

namespace {

const OpPlan* kernel = on_cpu(
    "conv2d_kernel",
    {.plan =
         [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext& context) {
           return plan_conv2d(in[0], in[1], out[0], conv2d_params(attrs, "conv2d_kernel"), context);
         },
     .epilogue_fits = [](const FusedProgram& program, const Types&, const TensorType& result, const Attrs&,
                         std::string* why) { return conv2d_epilogue_fits(program, result, why); },
     .plan_epilogue =
         [](std::span<const Operand> in, const TensorType& result, const FusedProgram& program, const Attrs& attrs,
            const PlanContext& context, const RowConsumer* consumer) {
           return plan_conv2d(in[0], in[1], result, conv2d_params(attrs, "conv2d_kernel"), program, context, consumer);
         },
     .hands_rows =
         [](const FusedProgram& program, const Types& in, const TensorType& result, const Attrs& attrs,
            const RowConsumer& consumer) {
           return conv2d_hands_rows(program, in[0].shape, in[1].shape, result, conv2d_params(attrs, "conv2d_kernel"),
                                    consumer);
         }});

const OpPlan* input_gradient = on_cpu(
    "conv2d_grad_input",
    {.plan =
         [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext& context) {
           return plan_conv2d_grad_input(in[0], in[1], out[0], conv2d_params(attrs, "conv2d_grad_input"), context);
         },
     .epilogue_fits =
         [](const FusedProgram& program, const Types&, const TensorType& result, const Attrs& attrs, std::string* why) {
           return conv2d_grad_input_epilogue_fits(program, result, conv2d_params(attrs, "conv2d_grad_input"), why);
         },
     .plan_epilogue =
         [](std::span<const Operand> in, const TensorType& result, const FusedProgram& program, const Attrs& attrs,
            const PlanContext& context, const RowConsumer*) {
           return plan_conv2d_grad_input(in[0], in[1], result, conv2d_params(attrs, "conv2d_grad_input"), program,
                                         context);
         }});

const OpPlan* weight_gradient =
    on_cpu("conv2d_grad_weight", {.plan = [](std::span<const Operand> in, std::span<const Operand> out,
                                             const Attrs& attrs, const PlanContext& context) {
             return plan_conv2d_grad_weight(in[0], in[1], out[0], conv2d_params(attrs, "conv2d_grad_weight"), context);
           }});

}  // namespace

}  // namespace pt
