// Elementwise calls keep the layout of their operands: the result of a call of a transposed tensor is transposed, so
// that both are walked through as they lie. Only how a result lies in memory depends on it, no bit of it.
#pragma once
#include "core/tensor.h"
#include "ops/op.h"

namespace pt {

// The order of axes in which all large operands are row-major and of one shape; empty where that is the order they
// have, or there is none.
Ints storage_order(const Tensors& inputs);

// The call on operands with these axes; its results have the axes as they were.
Tensors apply_in_order(const Op& op, const Tensors& inputs, const Attrs& attrs, const Ints& order);

}  // namespace pt
