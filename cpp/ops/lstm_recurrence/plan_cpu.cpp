#include <algorithm>

#include "core/error.h"
#include "core/space_plan.h"
#include "ops/cpu_target.h"
#include "ops/functional.h"
#include "ops/lstm_recurrence/desc.h"
#include "ops/lstm_recurrence/plan.h"
#include "ops/matmul/desc.h"

namespace pt {
namespace {

// Rows of the batch are independent over all steps, so a chunk goes through the whole sequence alone: a chunk for each
// thread, since all weights pass through the cache for every chunk and step. The bits do not depend on it.
constexpr int64_t kFewestRows = 6, kMostRows = 48;
constexpr int64_t kPanelChunk = 64;  // a multiple of the panels of every instruction set
constexpr int kPack = 0, kForward = 1, kBackward = 2, kPasses = 3;
constexpr int kWorkspace = -1;

int variant_of(DType dtype, int pass) {
  if (dtype != DType::F32 && dtype != DType::F64) {
    throw DTypeError(text("[lstm_recurrence] inputs are ", info(dtype).brief,
                          "; expected f32 or f64; cast them to f32 and the result back"));
  }
  return pass + (dtype == DType::F64 ? kPasses : 0);
}

int64_t whole_panels(int64_t cols) { return ceil_div(cols, kPanelChunk) * kPanelChunk; }

// w[rows, cols] into the workspace.
Launch pack(DType dtype, int operand, int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride) {
  Launch launch;
  launch.kernel = "lstm_recurrence";
  launch.variant = variant_of(dtype, kPack);
  launch.desc = Descriptor::of(LstmPackDesc{rows, cols, row_stride, col_stride, kPanelChunk});
  launch.chunks = ceil_div(cols, kPanelChunk);
  launch.bytes = 2.0 * static_cast<double>(rows * cols) * static_cast<double>(size_of(dtype));
  launch.operands = {operand, kWorkspace};
  return launch;
}

Launch recurrence(DType dtype, int pass, const Shape& states, int operands, const PlanContext& context) {
  LstmDesc d{states[0], states[1], states[2], 0, 0};
  d.chunk = std::min(d.batch, std::clamp(ceil_div(d.batch, context.threads), kFewestRows, kMostRows));
  Launch launch;
  launch.kernel = "lstm_recurrence";
  launch.variant = variant_of(dtype, pass);
  launch.chunks = ceil_div(d.batch, d.chunk);
  // Forward the sums of the gates; backward the gradients of the hidden and the cell state.
  const int64_t row = pass == kForward ? whole_panels(4 * d.width) : whole_panels(d.width) + d.width;
  const int64_t size = static_cast<int64_t>(size_of(dtype));
  d.strips = d.chunk * row * size;
  launch.scratch_bytes = d.strips + d.chunk * std::min(pass == kForward ? d.width : 4 * d.width, kBlockDepth) * size;
  launch.desc = Descriptor::of(d);
  const double elements = static_cast<double>(count(states));
  launch.flops = elements * (8 * static_cast<double>(d.width) + 60);
  launch.bytes = elements * 12 * static_cast<double>(size_of(dtype));
  for (int i = 0; i < operands; ++i) launch.operands.push_back(i);
  launch.operands.push_back(kWorkspace);
  return launch;
}

int64_t packed_bytes(DType dtype, int64_t rows, int64_t cols) {
  return rows * whole_panels(cols) * static_cast<int64_t>(size_of(dtype));
}

}  // namespace

LaunchPlan plan_lstm(const Operand& xw, const Operand& w_hh, const Operand&, const Operand&, const Operand& h,
                     const Operand&, const Operand&, const PlanContext& context) {
  LaunchPlan plan;
  if (count(h.shape) == 0) return plan;
  const int64_t width = h.shape[2];
  plan.launches = {pack(xw.dtype, 1, width, 4 * width, w_hh.strides[0], w_hh.strides[1]),
                   recurrence(xw.dtype, kForward, h.shape, 7, context)};
  plan.workspace_bytes = packed_bytes(xw.dtype, width, 4 * width);
  return plan;
}

LaunchPlan plan_lstm_backward(const Operand& w_hh, const Operand&, const Operand& c, const Operand&, const Operand&,
                              const Operand&, const Operand&, const Operand&, const Operand&,
                              const PlanContext& context) {
  LaunchPlan plan;
  if (count(c.shape) == 0) return plan;
  const int64_t width = c.shape[2];
  plan.launches = {pack(c.dtype, 0, 4 * width, width, w_hh.strides[1], w_hh.strides[0]),
                   recurrence(c.dtype, kBackward, c.shape, 9, context)};
  plan.workspace_bytes = packed_bytes(c.dtype, 4 * width, width);
  return plan;
}

namespace {

const OpPlan* planned = on_cpu("lstm_recurrence", {.plan = [](std::span<const Operand> in, std::span<const Operand> out,
                                                              const Attrs&, const PlanContext& context) {
                                 return plan_lstm(in[0], in[1], in[2], in[3], out[0], out[1], out[2], context);
                               }});

const OpPlan* backward = on_cpu(
    "lstm_recurrence_backward",
    {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs&, const PlanContext& context) {
      return plan_lstm_backward(in[0], in[1], in[2], in[3], in[4], in[5], out[0], out[1], out[2], context);
    }});

}  // namespace

}  // namespace pt
