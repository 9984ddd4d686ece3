// Calling an op's definition in its place.
#pragma once
#include "ops/op.h"

namespace pt {

// Runs op.compose. What goes wrong in the ops that it is made of is told as an error of this op, which is the one that
// was called.
Tensors expand(const Op& op, const Tensors& inputs, const Attrs& attrs);

}  // namespace pt
