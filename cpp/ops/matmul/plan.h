// Plans of matrix products, for the specs and passes that need one.
#pragma once
#include "core/launch.h"

namespace pt {

// C[..., m, n] = sum over k of A[..., m, k] B[..., k, n], each with any strides. Batch axes broadcast: an operand may
// have fewer of them, size 1, or stride 0. Dtypes f64, or any mix of f32, bf16 and f16, accumulated in f32.
// With accumulate, C is read first and the product added to it. Operands of the launches: a, b, c, workspace.
LaunchPlan plan_matmul(const Operand& a, const Operand& b, const Operand& c, bool accumulate = false);

}  // namespace pt
