#include "ops/cpu_target.h"
#include "ops/ctc_loss/desc.h"

namespace pt {
namespace {

constexpr double kFlopsPerState = 60;  // three exponentials and a logarithm, mostly

LaunchPlan plan_ctc(const Operand& scores, const Operand& labels, const Attrs& attrs, bool backward) {
  LaunchPlan plan;
  CtcDesc d{};
  d.rows = scores.shape[0], d.steps = scores.shape[1], d.classes = scores.shape[2];
  d.longest = labels.shape[1];
  d.blank = attrs.integer("blank");
  d.wide = (2 * d.longest + 1 + 15) / 16 * 16;
  d.room = d.wide + 2 * kCtcPad;
  if (d.rows == 0 || (backward && d.steps * d.classes == 0)) return plan;
  Launch launch;
  launch.kernel = "ctc_loss";
  launch.variant = (backward ? 2 : 0) + (scores.dtype == DType::F64 ? 1 : 0);
  launch.desc = Descriptor::of(d);
  launch.chunks = d.rows;
  launch.scratch_bytes = (4 * d.room + d.wide) * 8;
  if (backward) launch.scratch_bytes += (d.classes + d.steps * d.wide) * 8;
  launch.flops = static_cast<double>(d.rows * d.steps * d.wide) * kFlopsPerState * (backward ? 3 : 1);
  launch.bytes = static_cast<double>(count(scores.shape) * size_of(scores.dtype));
  plan.launches.push_back(std::move(launch));
  return plan;
}

const OpPlan* rows =
    on_cpu("ctc_rows", {.plan = [](std::span<const Operand> in, std::span<const Operand>, const Attrs& attrs,
                                   const PlanContext&) { return plan_ctc(in[0], in[1], attrs, false); }});

const OpPlan* backward =
    on_cpu("ctc_rows_backward", {.plan = [](std::span<const Operand> in, std::span<const Operand>, const Attrs& attrs,
                                            const PlanContext&) { return plan_ctc(in[0], in[1], attrs, true); }});

}  // namespace
}  // namespace pt
