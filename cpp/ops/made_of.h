// What a value of a trace was made of: a definition that knows it may read less.
#pragma once
#include "core/tensor.h"

namespace pt {

// What x is a cast of, to a float dtype of more bytes; else x.
Tensor before_widening(const Tensor& x);

}  // namespace pt
