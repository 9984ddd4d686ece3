#include <algorithm>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/space_plan.h"
#include "ops/conv2d/cuda_desc.h"
#include "ops/conv2d/geometry.h"
#include "ops/matmul/plan_cuda_followed.h"

namespace pt::cuda {
namespace {

using namespace conv2d;

constexpr int kWorkspace = -1;

// Once its rows and K are known: one of them is pixels, the other one taps by channels.
void read_image(ConvProduct& p, const ConvGather& gather) {
  p.gather = gather;
  const auto extent = [&](int64_t by) { return divisor(by, std::max(p.product.rows, p.product.depth)); };
  p.grid_w = extent(gather.grid_w), p.grid_h = extent(gather.grid_h);
  p.taps_x = extent(gather.taps_x), p.inner = extent(gather.inner);
}

// Groups are batch items.
ConvProduct describe(const Operand& left, const Operand& right, const Operand& out, int64_t groups,
                     GroupStrides apart) {
  ConvProduct p = {};
  TileProduct& t = p.product;
  t.left_type = left.dtype, t.right_type = right.dtype, t.out_type = out.dtype;
  t.batches = groups, t.batch_axes = 1;
  t.batch_extent[0] = groups;
  t.left_batch[0] = apart.left, t.right_batch[0] = apart.right, t.out_batch[0] = apart.out;
  t.splits = 1, t.out_col = 1;
  return p;
}

bool divides(DType type, std::initializer_list<int64_t> sizes) {
  const int64_t vector = 16 / static_cast<int64_t>(size_of(type));
  return std::all_of(sizes.begin(), sizes.end(), [&](int64_t size) { return size % vector == 0; });
}

void choose_vectors(TileProduct& t, const ConvGather& g, int64_t groups) {
  const int64_t apart = groups > 1 ? 1 : 0;  // where batch strides count
  t.left_vectors = divides(t.left_type, {g.inner, g.channels, apart * t.left_batch[0]});
  t.out_vectors = divides(t.out_type, {t.cols, t.out_row, apart * t.out_batch[0]});
}

Launch pixel_launch(const std::string& kernel, const ConvProduct& p, int64_t blocks, std::vector<int> operands) {
  const Geometry geometry{.grid = static_cast<uint32_t>(blocks), .block = 256};
  const double image = static_cast<double>(p.product.rows * p.product.cols);
  const double size = static_cast<double>(size_of(p.product.left_type));
  Launch launch = cuda_launch(kernel + (p.product.out_type == DType::F64 ? "f64" : "f32"), geometry, p, 3,
                              image * 2 * size, 2 * image * static_cast<double>(p.gather.taps_y * p.gather.taps_x));
  launch.operands = std::move(operands);
  return launch;
}
Launch depthwise_launch(const ConvProduct& p) {
  return pixel_launch("conv2d_depthwise_", p, blocks_for(p.product.rows * p.product.cols, 256), {0, 1, 2});
}

// The program behind a convolution, over rows of pixels or taps and columns of channels; null where there is none.
using Behind = const FusedProgram*;

// Groups are neighbours along the columns.
Epilogue chain_behind(const FusedProgram& flat, const TileProduct& p) {
  Epilogue then{};
  put_chain(then, flat, p.out_type);
  for (int i = 0; i < then.n_operands; ++i) {
    const FusedOperand& operand = flat.operands[i + 1];
    const int64_t apart[] = {p.batches > 1 ? operand.strides[1] * p.cols : 0};
    then.operands[i] = chain_operand(operand, operand.strides[0], apart, p.cols);
  }
  return then;
}

void append(LaunchPlan& plan, const std::string& kernel, const ConvProduct& p, const Operand& left,
            const Operand& right, const CudaCall& call, Behind flat) {
  const KernelKind kind = kernel_kind(left.dtype, right.dtype);
  if (!flat) return append_tiles(plan, kernel, p, kind, !p.scattered, call, {0, 1, 2});
  const double share = static_cast<double>(p.product.rows * p.product.cols * p.product.batches) /
                       static_cast<double>(count(flat->extents));
  append_followed(plan, kernel, FollowedConv{p, chain_behind(*flat, p.product)}, kind, !p.scattered, call.units,
                  share * bytes_behind(*flat));
}

// A product of matrices, for a convolution that is one.
LaunchPlan plan_matrices(const Operand& a, const Operand& b, const Operand& c, const CudaCall& call, Behind flat) {
  return flat ? plan_followed_product(a, b, c, *flat, call) : plan_product(a, b, c, call);
}

int64_t groups_of(const Sizes& s, const Conv2dParams& params) { return is_depthwise(s) ? 1 : params.groups; }

// A product that reads x: the forward one, and the gradient of the weights.
ConvProduct describe_reading(const Operand& x, const Operand& right, const Operand& out, const Sizes& s,
                             const Conv2dParams& params, int64_t rows, int64_t depth) {
  const int64_t groups = groups_of(s, params);
  ConvProduct p = describe(x, right, out, groups, {s.group_in, s.group_out, s.group_out});
  TileProduct& t = p.product;
  t.rows = rows, t.depth = depth;
  t.cols = is_depthwise(s) ? s.out_channels : s.group_out;
  t.out_row = s.out_channels;
  read_image(
      p, {s.out_height, s.out_width, params.stride_h, params.stride_w, -params.pad_top, -params.pad_left,
          params.dilation_h, params.dilation_w, s.kernel_h, s.kernel_w, s.group_in, s.height, s.width, s.in_channels});
  choose_vectors(t, p.gather, groups);
  t.right_vectors = divides(t.right_type, {s.out_channels, s.group_out});
  return p;
}

int64_t pixels_of(const Sizes& s) { return s.images * s.out_height * s.out_width; }
int64_t taps_of(const Sizes& s) { return s.kernel_h * s.kernel_w * s.group_in; }

LaunchPlan plan_forward(const CudaCall& call, const Conv2dParams& params, Behind flat) {
  const Operand &x = call.in[0], &w = call.in[1], &y = call.out[0];
  const Sizes s = check(x, w, y, params);
  if (is_pointwise(s, params)) return plan_matrices(pixels(x), weight_matrix(w), pixels(y), call, flat);
  LaunchPlan plan;
  if (count(y.shape) == 0) return plan;
  ConvProduct p = describe_reading(x, w, y, s, params, pixels_of(s), taps_of(s));
  p.weight_inner = s.out_channels, p.weight_tap_x = s.group_in * s.out_channels;
  p.weight_tap_y = s.kernel_w * p.weight_tap_x, p.weight_col = 1;
  if (is_depthwise(s)) {
    plan.launches.push_back(depthwise_launch(p));
  } else {
    append(plan, "conv2d_", p, x, w, call, flat);
  }
  return plan;
}

// The pixels of one residue class of the stride (TapClass).
ConvProduct describe_class(const CudaCall& call, const Sizes& s, const Conv2dParams& params, const TapClass& y,
                           const TapClass& x, int64_t row, int64_t col) {
  const Operand &dy = call.in[0], &w = call.in[1], &dx = call.out[0];
  const int64_t groups = groups_of(s, params);
  ConvProduct p = describe(dy, w, dx, groups, {s.group_out, s.group_out, s.group_in});
  TileProduct& t = p.product;
  p.scatter = {params.stride_h, params.stride_w, row, col, s.height, s.width, s.in_channels};
  p.scattered = params.stride_h > 1 || params.stride_w > 1;
  t.rows = s.images * y.pixels * x.pixels;
  t.cols = is_depthwise(s) ? s.in_channels : s.group_in;
  t.depth = y.taps * x.taps * s.group_out;
  t.out_row = s.in_channels;
  read_image(p, {y.pixels, x.pixels, 1, 1, y.offset, x.offset, y.tap, x.tap, y.taps, x.taps, s.group_out, s.out_height,
                 s.out_width, s.out_channels});
  const int64_t tap = s.group_in * s.out_channels;
  p.weight_tap_y = y.step * s.kernel_w * tap, p.weight_tap_x = x.step * tap;
  p.weight_inner = 1, p.weight_col = s.out_channels;
  p.weight_first = y.taps * x.taps > 0 ? (y.first * s.kernel_w + x.first) * tap : 0;
  choose_vectors(t, p.gather, groups);
  t.right_along_k = true;
  t.right_vectors = divides(t.right_type, {s.group_out, s.out_channels});
  return p;
}

std::vector<ConvProduct> describe_classes(const CudaCall& call, const Sizes& s, const Conv2dParams& params) {
  std::vector<ConvProduct> classes;
  for (int64_t row = 0; row < std::min(params.stride_h, s.height); ++row) {
    for (int64_t col = 0; col < std::min(params.stride_w, s.width); ++col) {
      const TapClass y = tap_class(row, s.height, s.kernel_h, params.stride_h, params.pad_top, params.dilation_h);
      const TapClass x = tap_class(col, s.width, s.kernel_w, params.stride_w, params.pad_left, params.dilation_w);
      classes.push_back(describe_class(call, s, params, y, x, row, col));
    }
  }
  return classes;
}

// What stores a result as it is.
FusedProgram plain_store(const TileProduct& p, const Operand& result) {
  FusedProgram flat;
  flat.extents = {count(result.shape) / result.shape.back(), result.shape.back()};
  flat.operands = {{compute_dtype(p.out_type), row_major(flat.extents)}, {p.out_type, row_major(flat.extents)}};
  flat.inputs = 1;
  flat.steps.resize(2);
  flat.steps[0].kind = StepKind::Load, flat.steps[0].operand = 0;
  flat.steps[1].kind = StepKind::Store, flat.steps[1].operand = 1, flat.steps[1].args[0] = 0;
  return flat;
}

// All classes in one launch, by the kernels that a program follows.
LaunchPlan plan_classes(const std::vector<ConvProduct>& classes, const KernelKind& kind, const CudaCall& call,
                        Behind flat) {
  const FusedProgram own = flat ? FusedProgram{} : plain_store(classes[0].product, call.out[0]);
  FollowedClasses params{{}, chain_behind(flat ? *flat : own, classes[0].product)};
  TileProduct whole = classes[0].product;  // as large as all of them
  for (const ConvProduct& p : classes) whole.depth = std::max(whole.depth, p.product.depth);
  whole.rows *= static_cast<int64_t>(classes.size());
  const TileChoice tiles = choose_tiles(whole, call.units, kind, false);
  double bytes = bytes_behind(flat ? *flat : own), flops = 0;
  for (const ConvProduct& each : classes) {
    ConvProduct& p = params.product.of[params.product.count++] = each;
    TileProduct& t = p.product;
    t.row_tiles = ceil_div(t.rows, tiles.rows), t.col_tiles = ceil_div(t.cols, tiles.cols);
    params.product.first_tile[params.product.count] = params.product.first_tile[params.product.count - 1] + t.tiles();
    const double sums = static_cast<double>(t.batches * t.rows * t.cols);
    bytes += bytes_moved(t) - sums * static_cast<double>(size_of(t.out_type));
    flops += 2 * sums * static_cast<double>(t.depth);
  }
  const Geometry geometry{.grid = blocks_for(params.product.first_tile[params.product.count], 1, int64_t{1} << 30),
                          .block = static_cast<uint32_t>(tiles.threads)};
  LaunchPlan plan;
  plan.launches.push_back(cuda_launch("conv2d_classes_" + std::string(kind.name) + "_" + tiles.shape, geometry, params,
                                      2 + kEpilogueOperands, bytes, flops));
  for (int i = 0; i < 2 + params.then.n_operands; ++i) plan.launches.back().operands.push_back(i);
  return plan;
}

LaunchPlan plan_grad_input(const CudaCall& call, const Conv2dParams& params, Behind flat) {
  const Operand &dy = call.in[0], &w = call.in[1], &dx = call.out[0];
  const Sizes s = check(dx, w, dy, params);
  if (is_pointwise(s, params)) return plan_matrices(pixels(dy), transposed(weight_matrix(w)), pixels(dx), call, flat);
  LaunchPlan plan;
  if (count(dx.shape) == 0) return plan;
  const std::vector<ConvProduct> classes = describe_classes(call, s, params);
  const KernelKind kind = kernel_kind(dy.dtype, w.dtype);
  const bool several = classes.size() > 1 && classes.size() <= kMostClasses && dx.dtype == dy.dtype;
  if (several && !is_depthwise(s) && dy.dtype == w.dtype && dy.dtype != DType::F64)
    return plan_classes(classes, kind, call, flat);
  for (const ConvProduct& p : classes) {
    if (!is_depthwise(s)) {
      append(plan, "conv2d_", p, dy, w, call, flat);
      continue;
    }
    plan.launches.push_back(depthwise_launch(p));
    plan.launches.back().byte_offsets = {0, p.weight_first * static_cast<int64_t>(size_of(w.dtype)), 0};
  }
  return plan;
}

constexpr int64_t kLeastPixels = 256;  // of a part of a depthwise gradient of the weights

void append_depthwise_weight(LaunchPlan& plan, ConvProduct p, const CudaCall& call) {
  TileProduct& t = p.product;
  const int64_t blocks = t.rows * ceil_div(t.cols, 32);
  const int64_t parts = std::min(ceil_div(int64_t{4} * call.units, blocks), ceil_div(t.depth, kLeastPixels));
  t.split_depth = ceil_div(t.depth, std::max<int64_t>(parts, 1));
  t.splits = t.depth > 0 ? ceil_div(t.depth, t.split_depth) : 1;
  plan.launches.push_back(pixel_launch("conv2d_depthwise_weight_", p, blocks_for(t.splits * blocks, 1),
                                       {0, 1, t.splits > 1 ? kWorkspace : 2}));
  if (t.splits > 1) append_adding(plan, t, 2);
}

LaunchPlan plan_grad_weight(const CudaCall& call, const Conv2dParams& params, Behind flat) {
  const Operand &x = call.in[0], &dy = call.in[1], &dw = call.out[0];
  const Sizes s = check(x, dw, dy, params);
  if (is_pointwise(s, params)) return plan_matrices(transposed(pixels(x)), pixels(dy), weight_matrix(dw), call, flat);
  LaunchPlan plan;
  if (count(dw.shape) == 0) return plan;
  ConvProduct p = describe_reading(x, dy, dw, s, params, taps_of(s), pixels_of(s));
  p.product.right_k = s.out_channels, p.product.right_col = 1;
  if (is_depthwise(s)) {
    append_depthwise_weight(plan, p, call);
  } else {
    append(plan, "conv2d_weight_", p, x, dy, call, flat);
  }
  return plan;
}

using PlanConv = LaunchPlan (*)(const CudaCall&, const Conv2dParams&, Behind);

struct Kind {
  const char* op;
  PlanConv plan;
  int x, w, y;  // which operands they are; 2: the result
};

bool takes(const Kind& kind, const CudaFollowed& call, std::string* why) {
  const auto refuse = [&](const std::string& reason) {
    *why = reason;
    return false;
  };
  const Operand* all[] = {&call.in[0], &call.in[1], &call.result};
  const Sizes s = check(*all[kind.x], *all[kind.w], *all[kind.y], conv2d_params(call.attrs, kind.op));
  if (is_depthwise(s)) return refuse("each channel is by itself; a convolution over channels is expected");
  if (call.program.extents != call.result.shape)
    return refuse(text("the calls behind it run over ", call.program.extents, "; the result's shape ",
                       call.result.shape, " is expected"));
  FusedProgram flat;
  if (count(call.result.shape) > 0 && !flatten(call.program, flat))
    return refuse("of the calls behind it: an operand does not advance evenly over the first three axes");
  return takes_chain(call.in, call.result.dtype, call.program, why);
}

LaunchPlan plan_then(const Kind& kind, const CudaFollowed& call) {
  if (count(call.result.shape) == 0) return {};
  FusedProgram flat;
  flatten(call.program, flat);
  CudaCall own = as_call(call);
  own.out = std::span(&call.result, 1);
  return kind.plan(own, conv2d_params(call.attrs, kind.op), &flat);
}

bool registered(const Kind& kind) {
  const CudaPlan plan = [kind](const CudaCall& call) {
    return kind.plan(call, conv2d_params(call.attrs, kind.op), nullptr);
  };
  const CudaEpilogue followed{[kind](const CudaFollowed& call, std::string* why) { return takes(kind, call, why); },
                              [kind](const CudaFollowed& call) { return plan_then(kind, call); }};
  return on_cuda(kind.op, plan) && on_cuda(kind.op, followed);
}

const bool forward = registered({"conv2d_kernel", plan_forward, 0, 1, 2});
const bool grad_input = registered({"conv2d_grad_input", plan_grad_input, 2, 1, 0});
const bool grad_weight = registered({"conv2d_grad_weight", plan_grad_weight, 0, 2, 1});

}  // namespace
}  // namespace pt::cuda
