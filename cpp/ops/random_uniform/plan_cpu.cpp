#include "ops/cpu_target.h"
#include "ops/fused/machine.h"

namespace pt {
namespace {

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs, const PlanContext&) {
  FusedProgram program;
  program.extents = out[0].shape;
  Strides strides = out[0].strides;
  if (out[0].shape.empty()) program.extents.push_back(1), strides.push_back(1);
  Strides state = strides;
  for (int i = 0; i < state.size(); ++i) state[i] = 0;
  program.inputs = 1;
  program.operands = {{in[0].dtype, state}, {out[0].dtype, strides}};
  FusedStep draw{};
  draw.kind = StepKind::Uniform;
  draw.dtype = register_dtype(out[0].dtype);
  draw.operand = 0;
  draw.ordinal = attrs.integer("ordinal");
  FusedStep keep{};
  keep.kind = StepKind::Store;
  keep.dtype = draw.dtype;
  keep.args[0] = 0;
  keep.operand = 1;
  program.steps = {draw, keep};
  return lower_fused(program);
}

const OpPlan* planned = on_cpu("random_uniform", {.plan = plan});

}  // namespace
}  // namespace pt
