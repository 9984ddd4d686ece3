// Axes as attributes give them, checked and counted from the start.
#pragma once
#include "ops/op.h"

namespace pt {

// The attribute "axis" of a reduction: all axes where it is None. Ascending, without duplicates; throws naming the op.
Ints reduced_axes(const Attrs& attrs, int ndim, const std::string& op);
bool contains(const Ints& axes, int64_t axis);
// Without the axes, or with size 1 in their place.
Shape reduced_shape(const Shape& shape, const Ints& axes, bool keepdims);
int64_t reduced_count(const Shape& shape, const Ints& axes);
Ints to_ints(const Shape& shape);

// A result without its reduced axes gets them back with size 1, so that it broadcasts against what was reduced.
Tensor restore_axes(const Tensor& reduced, const Shape& full, const Ints& axes);

// f16 and bf16 are computed in f32 by definitions of many steps, and rounded once at their end.
Tensor widened(const Tensor& x);

// 0, 1, ..., n - 1 as a constant.
Tensor counting(int64_t n, DType dtype);

// The index as i32 or i64, which the kernels read.
bool is_wide_index(DType dtype);  // which kernels read: int32 or int64
Tensor as_index(const Tensor& index);

}  // namespace pt
