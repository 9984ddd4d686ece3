// What the specs of the incomplete gamma functions share.
#pragma once
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {

// The slope of P towards x, x^(a - 1) e^-x / gamma(a), times the cotangent. Throws where that towards a is wanted.
inline Tensor toward_x(const std::string& op, const VjpContext& c) {
  if (c.needs[0]) {
    throw DTypeError("[" + op +
                     "] received a gradient to take by a; expected one by x alone; write "
                     "pt.stop_gradient(a)");
  }
  const Tensor logarithm = fn::call("xlogy", {c.in[0] - 1.0, c.in[1]}) - c.in[1] - fn::call("lgamma", {c.in[0]});
  return unbroadcast(c.grad[0] * fn::exp(logarithm), c.in_types[1].shape);
}

}  // namespace pt
