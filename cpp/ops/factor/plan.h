// Factorisations of small dense matrices, real or complex, one chunk for each matrix of a batch. Everything is computed
// in f64, in one order, and rounded once.
#pragma once
#include "core/launch.h"
#include "ops/factor/desc.h"
#include "ops/op.h"

namespace pt {

struct FactorOptions {
  bool upper = false, transposed = false, unit = false;
};

FactorOptions cholesky_options(const Attrs& attrs);
FactorOptions solve_options(const Attrs& attrs);

// The first input is the matrix [..., rows, columns].
FactorDesc describe_factor(FactorKind kind, std::span<const Operand> in, FactorOptions options);
void count_factor_work(Launch& launch, const FactorDesc& d, std::span<const Operand> in, std::span<const Operand> out);
LaunchPlan plan_factor(FactorKind kind, std::span<const Operand> in, std::span<const Operand> out,
                       FactorOptions options = {});

// Checks that an input is f32, f64, c64 or c128 and has two axes at least, equal ones if `square`; throws naming the
// op.
void expect_matrix(const InferContext& c, std::size_t input, bool square);
// Without its last axes, and with others.
Shape with_last(const Shape& shape, int without, std::initializer_list<int64_t> last);

}  // namespace pt
