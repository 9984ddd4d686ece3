#include <algorithm>

#include "ops/factor/plan.h"

namespace pt {
namespace {

int64_t work_of(const FactorDesc& d) {
  const int64_t m = d.rows, n = d.columns, least = std::min(m, n);
  switch (d.kind) {
    case FactorKind::Cholesky:
      return n * n + n;
    case FactorKind::TriangularSolve:
      return n * n + n * d.right;
    case FactorKind::Qr:
      return m * n + m * least + least + std::max(n, least);
    case FactorKind::Eigh:
      return 2 * n * n;
    case FactorKind::Svd:
      return m * n + n * n + n + m;
    case FactorKind::Lu:
      return n * n;
    case FactorKind::Eigenbasis:
      return 8 * n * n + 4 * n;
  }
  return 0;
}

}  // namespace

LaunchPlan plan_factor(FactorKind kind, std::span<const Operand> in, std::span<const Operand> out,
                       FactorOptions options) {
  LaunchPlan plan;
  const Shape& shape = in[0].shape;
  FactorDesc d{};
  d.kind = kind;
  d.wide = in[0].dtype == DType::F64;
  d.upper = options.upper;
  d.transposed = options.transposed;
  d.unit = options.unit;
  d.rows = shape[shape.size() - 2];
  d.columns = shape.back();
  if (kind == FactorKind::TriangularSolve) d.right = in[1].shape.back();
  d.work = work_of(d);
  int64_t matrices = 1;
  for (int i = 0; i + 2 < shape.size(); ++i) matrices *= shape[i];
  if (matrices == 0) return plan;
  plan.workspace_bytes = std::max<int64_t>(1, matrices * d.work) * static_cast<int64_t>(sizeof(double));
  Launch launch;
  launch.kernel = "factor";
  launch.desc = Descriptor::of(d);
  launch.chunks = matrices;
  const auto m = static_cast<double>(d.rows), n = static_cast<double>(d.columns);
  const bool iterates = kind == FactorKind::Eigh || kind == FactorKind::Svd;
  launch.flops = static_cast<double>(matrices) * m * n *
                 (kind == FactorKind::TriangularSolve ? static_cast<double>(d.right) : n) * (iterates ? 50 : 2);
  for (auto operands : {in, out}) {
    for (const Operand& o : operands) launch.bytes += static_cast<double>(count(o.shape) * size_of(o.dtype));
  }
  plan.launches.push_back(std::move(launch));
  return plan;
}

void expect_matrix(const InferContext& c, std::size_t input, bool square) {
  const TensorType& type = c.in[input];
  const Shape& shape = type.shape;
  const std::string name = c.op.inputs[input].name;
  c.expect(type.dtype == DType::F32 || type.dtype == DType::F64,
           text(name, " is ", type, "; expected f32 or f64; cast it, and the result back"));
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
