// Numbers in a regular order, as C++ functions.
#pragma once
#include "ops/op.h"

namespace pt {

// By the op, whose bits are the same on every processor. Exponents of float64.
Tensor powers_of(double base, const Tensor& exponents);

}  // namespace pt
