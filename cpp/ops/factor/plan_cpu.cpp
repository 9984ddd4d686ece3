#include "ops/factor/plan.h"

namespace pt {

LaunchPlan plan_factor(FactorKind kind, std::span<const Operand> in, std::span<const Operand> out,
                       FactorOptions options) {
  LaunchPlan plan;
  const FactorDesc d = describe_factor(kind, in, options);
  if (d.matrices == 0) return plan;
  plan.workspace_bytes = d.matrices * d.work * static_cast<int64_t>(sizeof(double));
  Launch launch;
  launch.kernel = "factor";
  launch.desc = Descriptor::of(d);
  launch.chunks = d.matrices;
  count_factor_work(launch, d, in, out);
  plan.launches.push_back(std::move(launch));
  return plan;
}

void expect_matrix(const InferContext& c, std::size_t input, bool square) {
  const TensorType& type = c.in[input];
  const Shape& shape = type.shape;
  const std::string name = c.op.inputs[input].name;
  c.expect(type.dtype == DType::F32 || type.dtype == DType::F64 || is_complex(type.dtype),
           text(name, " is ", type, "; expected f32, f64, c64 or c128; cast it, and the result back"));
  c.expect(shape.size() >= 2, text(name, " is ", type, "; expected [..., rows, columns]; reshape it"));
  c.expect(!square || shape.back() == shape[shape.size() - 2],
           text(name, " is ", type, "; expected square matrices; check its last two axes"));
}

Shape with_last(const Shape& shape, int without, std::initializer_list<int64_t> last) {
  Shape result;
  for (int i = 0; i + without < shape.size(); ++i) result.push_back(shape[i]);
  for (int64_t size : last) result.push_back(size);
  return result;
}

}  // namespace pt
