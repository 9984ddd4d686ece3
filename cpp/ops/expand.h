// Calling an op's definition in its place.
#pragma once
#include "ops/op.h"

namespace pt {

// Runs op.compose. What goes wrong in the ops that it is made of is told as an error of this op, which is the one that
// was called.
Tensors expand(const Op& op, const Tensors& inputs, const Attrs& attrs);

// Whether a call is one of complex numbers that the op's kernel or definition does not take, and has a rule for.
bool by_complex_rule(const Op& op, const Tensors& inputs, const Attrs& attrs);
Tensors expand_complex(const Op& op, const Tensors& inputs, const Attrs& attrs);

}  // namespace pt
