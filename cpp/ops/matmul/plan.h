// Plans of matrix products, for the specs and passes that need one.
#pragma once
#include <string>

#include "core/launch.h"
#include "core/tensor.h"
#include "ops/fused/machine.h"

namespace pt {

// Columns of the widest region, but of products of a few rows.
inline constexpr int64_t kMostRegionCols = 512;

// How products of two bf16 operands are summed: widened, or by the processor's own instruction where it has one.
enum class Dots { Exact, Hardware };

// C[..., m, n] = sum over k of A[..., m, k] B[..., k, n], each with any strides. Batch axes broadcast: an operand may
// have fewer of them, size 1, or stride 0. Dtypes f64, or any mix of f32, bf16 and f16, accumulated in f32.
// Operands of the launches: a, b, c, workspace.
LaunchPlan plan_matmul(const Operand& a, const Operand& b, const Operand& c, const PlanContext& context,
                       Dots dots = Dots::Exact);

// The product c = a b goes through an elementwise program before it is stored, each region while it is in cache.
// program.extents is c's shape. Operand 0 is the product: rounded to c's dtype as if it had been stored, and read as
// c's compute dtype (f32 for f16 and bf16); its strides are ignored, and it has no memory. Operands of the launches:
// a, b, the program's further inputs, its outputs, workspace.
LaunchPlan plan_matmul(const Operand& a, const Operand& b, const TensorType& c, const FusedProgram& epilogue,
                       const PlanContext& context, Dots dots = Dots::Exact);

// Whether a program can follow a product of this shape and dtype; `why` receives the reason if not.
bool epilogue_fits(const FusedProgram& program, const Shape& shape, DType product, std::string* why = nullptr);

}  // namespace pt
