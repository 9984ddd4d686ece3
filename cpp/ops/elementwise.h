// What every op with a formula in math.h shares: shape by broadcasting, and one step of the fused machine as its
// kernel.
#pragma once
#include "ops/fused/machine.h"
#include "ops/op.h"

namespace pt {

Types infer_elementwise(const InferContext& context);  // broadcast shape; the inputs' (common) dtype
Types infer_predicate(const InferContext& context);    // broadcast shape; bool
// A call as a program of the fused machine.
FusedProgram elementwise_program(const Op& op, std::span<const Operand> in, const Operand& out, const Attrs& attrs);

// The sum over the axes along which a tensor of `shape` was broadcast to the gradient's shape.
Tensor unbroadcast(const Tensor& gradient, const Shape& shape);

}  // namespace pt
