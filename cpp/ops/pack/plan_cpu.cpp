#include "ops/copy/plan.h"
#include "ops/cpu_target.h"
#include "ops/fill/plan.h"
#include "ops/pack/plan.h"

namespace pt {
namespace {

std::vector<Launch> fill(const std::vector<FillPiece>& pieces, uint64_t pattern) {
  return {fill_pieces(pieces, pattern)};
}

const OpPlan* planned =
    on_cpu("pack", {.plan = [](std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                               const PlanContext&) { return plan_pack(in, out[0], attrs, plan_copy, fill); }});

}  // namespace
}  // namespace pt
