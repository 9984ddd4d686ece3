// The recurrence of an LSTM and its gradient in ops, step by step.
#pragma once
#include "ops/op.h"

namespace pt::lstm {

// xw, w_hh, h0, c0 -> h, c, gates.
Tensors definition(const Tensors& in, const Attrs& attrs);

// w_hh, c0, c, gates, dh, dc -> dxw, dh0, dc0; a seventh input, if it is there, is a gradient of the gates themselves.
Tensors backward_definition(const Tensors& in, const Attrs& attrs);

// Steps [begin, end) of a sequence [b, t, ...].
Tensor steps_of(const Tensor& x, int64_t begin, int64_t end);

}  // namespace pt::lstm
