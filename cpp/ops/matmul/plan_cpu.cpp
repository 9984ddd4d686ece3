// Plans of matrix products: checked, described, cut, laid out.
#include "core/error.h"
#include "ops/cpu_target.h"
#include "ops/matmul/plan.h"
#include "ops/matmul/product.h"
#include "ops/matmul/spec_problem.h"

namespace pt {
namespace {

void check(const Operand& a, const Operand& b, const Operand& c) {
  const auto fail = [&](const char* expected) {
    throw ShapeError(text("[matmul] a is ", a.shape, ", b is ", b.shape, ", c is ", c.shape, "; ", expected));
  };
  if (a.shape.size() < 2 || b.shape.size() < 2 || c.shape.size() < 2)
    fail("each needs at least two axes; add an axis of size 1");
  const int na = a.shape.size(), nb = b.shape.size(), nc = c.shape.size();
  if (nc - 2 > kMaxBatchAxes) fail("at most 6 batch axes are expected; merge some");
  if (a.shape[na - 1] != b.shape[nb - 2] || a.shape[na - 2] != c.shape[nc - 2] || b.shape[nb - 1] != c.shape[nc - 1])
    fail("c[m, n] = a[m, k] b[k, n] is expected; transpose or slice an operand");
  for (const Operand* p : {&a, &b}) {
    const int extra = nc - p->shape.size();
    for (int i = 0; i + 2 < p->shape.size(); ++i) {
      const bool fits = i + extra >= 0 && (p->shape[i] == 1 || p->shape[i] == c.shape[i + extra]);
      if (!fits) fail("batch axes equal to those of c, or 1, are expected; broadcast or slice an operand");
    }
  }
  for (const Operand* p : {&a, &b, &c}) {
    const bool known = is_half(p->dtype) || p->dtype == DType::F32 || p->dtype == DType::F64;
    if (!known || (p->dtype == DType::F64) != (c.dtype == DType::F64))
      throw DTypeError(text("[matmul] a is ", info(a.dtype).brief, ", b is ", info(b.dtype).brief, ", c is ",
                            info(c.dtype).brief, "; all f64, or a mix of f32, bf16 and f16, is expected; cast one"));
  }
}

// The cast to f32 of a product of 16 bits, as of a weight's gradient, needs no program.
bool only_widens(const FusedProgram& program, DType product) {
  return is_half(product) && program.operands.size() == 2 && program.operands[1].dtype == DType::F32 &&
         program.steps.size() == 2 && program.steps[0].kind == StepKind::Load &&
         program.steps[1].kind == StepKind::Store && program.steps[1].args[0] == 0;
}

// Nor does its sum with what lies as the result does, as of the gradients of a weight that is used twice.
bool widens_and_adds(const FusedProgram& program, DType product) {
  const auto& operands = program.operands;
  const auto& steps = program.steps;
  if (!is_half(product) || operands.size() != 3 || program.inputs != 2 || steps.size() != 4) return false;
  if (operands[1].dtype != DType::F32 || operands[2].dtype != DType::F32) return false;
  if (operands[1].strides != operands[2].strides || steps[0].kind != StepKind::Load || steps[1].kind != StepKind::Load)
    return false;
  const bool both = steps[2].args[0] + steps[2].args[1] == 1 && steps[0].operand != steps[1].operand;
  return both && steps[2].kind == StepKind::Math && steps[2].op == "add" && steps[2].dtype == DType::F32 &&
         steps[3].kind == StepKind::Store && steps[3].args[0] == 2;
}

LaunchPlan plan_product(const Product& product, const PlanContext& context) {
  const Operand &a = product.a, &b = product.b, &c = product.c;
  LaunchPlan plan;
  if (count(c.shape) == 0) return plan;
  FusedProgram after;
  MatmulDesc d = {};
  d.problem = problem_of(product, context, &after);
  d.schedule = schedule_product(d.problem, context);
  d.layout = lay_out(d.problem, d.schedule, sizeof(d));
  append_product(plan, "matmul", d, sizeof(d), {product.epilogue ? &after : nullptr});
  let_check(plan, d, c);
  plan.launches[0].bytes = static_cast<double>(count(a.shape) * size_of(a.dtype) + count(b.shape) * size_of(b.dtype) +
                                               count(c.shape) * size_of(c.dtype) * (product.adds ? 2 : 1));
  return plan;
}

}  // namespace

LaunchPlan plan_matmul(const Operand& a, const Operand& b, const Operand& c, const PlanContext& context, Dots dots) {
  check(a, b, c);
  return plan_product({.a = a, .b = b, .c = c, .dots = dots, .rounded = c.dtype}, context);
}

LaunchPlan plan_matmul(const Operand& a, const Operand& b, const TensorType& c, const FusedProgram& epilogue,
                       const PlanContext& context, Dots dots) {
  const Operand product = {c.dtype, c.shape, row_major(c.shape)};
  check(a, b, product);
  std::string why;
  if (!epilogue_fits(epilogue, c.shape, c.dtype, &why)) throw Error(text("[matmul] ", why));
  const bool adds = widens_and_adds(epilogue, c.dtype);
  if (adds || only_widens(epilogue, c.dtype)) {
    const Operand out = {DType::F32, c.shape, epilogue.operands.back().strides};
    return plan_product({.a = a, .b = b, .c = out, .dots = dots, .rounded = c.dtype, .adds = adds}, context);
  }
  return plan_product({.a = a, .b = b, .c = product, .dots = dots, .rounded = c.dtype, .epilogue = &epilogue}, context);
}

namespace {

Dots dots_of(const Attrs& attrs) { return attrs.str("dots") == "hardware" ? Dots::Hardware : Dots::Exact; }

LaunchPlan plan(std::span<const Operand> in, std::span<const Operand> out, const Attrs& attrs,
                const PlanContext& context) {
  const MatrixOperands m = as_matrices(in[0], in[1], out[0]);
  return plan_matmul(m.a, m.b, m.c, context, dots_of(attrs));
}

const OpPlan* planned = on_cpu(
    "matmul",
    {.plan = plan,
     .epilogue_fits =
         [](const FusedProgram& program, const Types& in, const TensorType& result, const Attrs&, std::string* why) {
           const bool matrices = in[0].shape.size() > 1 && in[1].shape.size() > 1;
           if (!matrices && why) *why = "an operand of one axis; matrices are expected";
           return matrices && epilogue_fits(program, result.shape, result.dtype, why);
         },
     .plan_epilogue =
         [](std::span<const Operand> in, const TensorType& result, const FusedProgram& program, const Attrs& attrs,
            const PlanContext& context,
            const RowConsumer*) { return plan_matmul(in[0], in[1], result, program, context, dots_of(attrs)); }});

}  // namespace

}  // namespace pt
