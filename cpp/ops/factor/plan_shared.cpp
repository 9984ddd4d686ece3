// What every target's plan of a factorisation begins with.
#include <algorithm>

#include "ops/factor/plan.h"

namespace pt {
namespace {

int64_t work_of(const FactorDesc& d) {
  const int64_t m = d.rows, n = d.columns, least = std::min(m, n), parts = d.is_complex ? 2 : 1;
  switch (d.kind) {
    case FactorKind::Cholesky:
      return parts * (n * n + n);
    case FactorKind::TriangularSolve:
      return parts * (n * n + n * d.right);
    case FactorKind::Qr:
      return parts * (m * n + m * least + least + n + m);
    case FactorKind::Eigh:
      return parts * 2 * n * n + (3 + parts) * ((n + 1) / 2);  // a turn has a cosine, a sine and two places
    case FactorKind::Svd:
      return parts * (m * n + n * n + m) + 2 * n;
    case FactorKind::Lu:
      return parts * n * n;
    case FactorKind::Eigenbasis:
      return 6 * n * n + 5 * n;
  }
  return 0;
}

}  // namespace

FactorDesc describe_factor(FactorKind kind, std::span<const Operand> in, FactorOptions options) {
  const Shape& shape = in[0].shape;
  FactorDesc d{};
  d.kind = kind;
  d.wide = in[0].dtype == DType::F64 || in[0].dtype == DType::C128;
  d.is_complex = is_complex(in[0].dtype);
  d.upper = options.upper;
  d.transposed = options.transposed;
  d.unit = options.unit;
  d.rows = shape[shape.size() - 2];
  d.columns = shape.back();
  if (kind == FactorKind::TriangularSolve) d.right = in[1].shape.back();
  d.work = std::max<int64_t>(work_of(d), 1);
  d.matrices = 1;
  for (int i = 0; i + 2 < shape.size(); ++i) d.matrices *= shape[i];
  return d;
}

void count_factor_work(Launch& launch, const FactorDesc& d, std::span<const Operand> in, std::span<const Operand> out) {
  const auto m = static_cast<double>(d.rows), n = static_cast<double>(d.columns);
  const bool iterates = d.kind == FactorKind::Eigh || d.kind == FactorKind::Svd;
  launch.flops = static_cast<double>(d.matrices) * m * n *
                 (d.kind == FactorKind::TriangularSolve ? static_cast<double>(d.right) : n) * (iterates ? 50 : 2) *
                 (d.is_complex ? 4 : 1);
  for (auto operands : {in, out}) {
    for (const Operand& o : operands) launch.bytes += static_cast<double>(count(o.shape) * size_of(o.dtype));
  }
}

FactorOptions cholesky_options(const Attrs& attrs) { return {.upper = attrs.flag("upper")}; }
FactorOptions solve_options(const Attrs& attrs) {
  return {.upper = attrs.flag("upper"), .transposed = attrs.flag("transposed"), .unit = attrs.flag("unitriangular")};
}

}  // namespace pt
