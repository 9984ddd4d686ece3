// Values put at places of a tensor, as C++ functions.
#pragma once
#include "ops/op.h"

namespace pt::fn {

// x within zeros of a shape: from `start` along each axis, with a step.
Tensor slice_scatter(const Tensor& x, const Shape& shape, const Ints& start, const Ints& step);

// For each of `size` places the largest of the updates whose index it is; of places without one the lowest number.
Tensor put_along_axis_max(const Tensor& index, const Tensor& updates, int axis, int64_t size);

}  // namespace pt::fn
