#include "ops/cpu_target.h"
#include "ops/ctc_loss/plan.h"

namespace pt {
namespace {

LaunchPlan plan_ctc(const Operand& scores, const Operand& labels, const Attrs& attrs, bool backward) {
  LaunchPlan plan;
  const CtcDesc d = describe_ctc(scores, labels, attrs);
  if (d.rows == 0 || (backward && d.steps * d.classes == 0)) return plan;
  Launch launch;
  launch.kernel = "ctc_loss";
  launch.variant = (backward ? 2 : 0) + (scores.dtype == DType::F64 ? 1 : 0);
  launch.desc = Descriptor::of(d);
  launch.chunks = d.rows;
  launch.scratch_bytes = (4 * d.room + d.wide) * 8;
  if (backward) launch.scratch_bytes += (d.classes + d.steps * d.wide) * 8;
  count_ctc_work(launch, d, scores, backward);
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
