// Attention by products and a softmax: what the kernels compute, and where second derivatives come from.
#pragma once
#include "ops/attention/plan.h"
#include "ops/op.h"

namespace pt::attention {

// Of q, k, v: the result and the log-sum-exp.
Tensors definition(const Tensors& in, const Attrs& attrs);

// Of q, k, v, out, lse, dout: dq, dk, dv. The weights are made anew from q and k, so that its own gradient does not
// need that of the log-sum-exp.
Tensors backward_definition(const Tensors& in, const Attrs& attrs);

// The gradient of the log-sum-exp alone: dq and dk.
Tensors log_sum_gradient(const Tensor& q, const Tensor& k, const Tensor& dlse, const Attrs& attrs);

}  // namespace pt::attention
