#include <algorithm>

#include "core/error.h"
#include "core/space_plan.h"
#include "ops/cpu_target.h"
#include "ops/max_pool2d/plan.h"
#include "ops/pooling.h"

namespace pt {

namespace {

constexpr int64_t kChunkBytes = 64 << 10;  // read and written

enum Pass { kForward, kBackward };

// In the order of the kernel tables: forward and backward for each dtype.
int variant_of(DType dtype, Pass pass, const char* where) {
  static constexpr DType kOrder[] = {DType::F32, DType::F64, DType::F16, DType::BF16};
  const auto* found = std::find(std::begin(kOrder), std::end(kOrder), dtype);
  if (found == std::end(kOrder)) {
    throw DTypeError(text("[", where, "] input is ", info(dtype).brief, "; expected floats; cast it first"));
  }
  return 2 * static_cast<int>(found - std::begin(kOrder)) + pass;
}

LaunchPlan plan_pool(const char* kernel, Pass pass, const Operand& input, const Operand& output, const PoolParams& p,
                     bool count_padding) {
  LaunchPlan plan;
  const Shape &x = input.shape, &y = output.shape;
  const int64_t written = count(pass == kForward ? y : x);
  if (written == 0) return plan;
  PoolDesc d = describe_pool(x, y, p);
  d.count_padding = count_padding;
  d.rows = d.images * (pass == kForward ? d.out_height : d.height);
  const int64_t bytes = (count(x) + count(y)) * static_cast<int64_t>(size_of(input.dtype));
  d.chunk = std::clamp<int64_t>(kChunkBytes * d.rows / std::max<int64_t>(bytes, 1), 1, d.rows);
  Launch launch;
  launch.kernel = kernel;
  launch.variant = variant_of(input.dtype, pass, kernel);
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(d.rows, d.chunk);
  launch.scratch_bytes = pass == kBackward ? d.width * 2 * static_cast<int64_t>(sizeof(int64_t)) : 0;
  launch.flops = static_cast<double>(count(y) * p.window_h * p.window_w);
  launch.bytes = static_cast<double>(bytes);
  plan.launches.push_back(std::move(launch));
  return plan;
}

void check_window(const PoolParams& p) {
  if (p.window_h * p.window_w <= 256) return;
  throw ShapeError(
      text("[max_pool2d] kernel_size = (", p.window_h, ", ", p.window_w,
           "); expected at most 256 elements, for the winner is kept in a byte; pool twice with smaller windows"));
}

}  // namespace

LaunchPlan plan_max_pool2d(const Operand& x, const Operand& y, const Operand&, const PoolParams& params) {
  check_window(params);
  return plan_pool("max_pool2d", kForward, x, y, params, false);
}

std::optional<RowConsumer> consume_max_pool2d(const Operand& x, const Operand& y, const PoolParams& p) {
  const bool apart = p.pad_top == 0 && p.dilation_h == 1 && p.window_h <= p.stride_h && x.shape[1] % p.stride_h == 0;
  LaunchPlan plan = plan_max_pool2d(x, y, {}, p);
  if (!apart || plan.launches.empty()) return std::nullopt;
  Launch& launch = plan.launches[0];
  PoolDesc d = *static_cast<const PoolDesc*>(launch.desc.data());
  d.chunk = 1;
  launch.desc = Descriptor::of(d), launch.chunks = d.rows;
  const auto written = static_cast<double>(count(y.shape) * static_cast<int64_t>(size_of(y.dtype) + 1));
  return RowConsumer{std::move(launch), p.stride_h * x.shape[2], 2, written};
}

LaunchPlan plan_max_pool2d_backward(const Operand& dy, const Operand&, const Operand& dx, const PoolParams& params) {
  check_window(params);
  return plan_pool("max_pool2d", kBackward, dx, dy, params, false);
}

LaunchPlan plan_avg_pool2d(const Operand& x, const Operand& y, const PoolParams& params, bool count_padding) {
  return plan_pool("avg_pool2d", kForward, x, y, params, count_padding);
}

LaunchPlan plan_avg_pool2d_backward(const Operand& dy, const Operand& dx, const PoolParams& params,
                                    bool count_padding) {
  return plan_pool("avg_pool2d", kBackward, dx, dy, params, count_padding);
}

namespace {

const OpPlan* with_index =
    on_cpu("max_pool2d_with_index",
           {.plan =
                [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
                  return plan_max_pool2d(in[0], out[0], out[1], pool_params(attrs, "max_pool2d"));
                },
            .consume_rows =
                [](const TensorType& rows, std::span<const TensorType> out, const Attrs& attrs) {
                  return consume_max_pool2d({rows.dtype, rows.shape, row_major(rows.shape)},
                                            {out[0].dtype, out[0].shape, row_major(out[0].shape)},
                                            pool_params(attrs, "max_pool2d"));
                }});

const OpPlan* backward = on_cpu(
    "max_pool2d_backward",
    {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
      return plan_max_pool2d_backward(in[0], in[1], out[0], pool_params(attrs, "max_pool2d_backward"));
    }});

}  // namespace

}  // namespace pt
