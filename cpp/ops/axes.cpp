#include "ops/axes.h"

#include <algorithm>

#include "core/convert.h"
#include "ops/functional.h"

namespace pt {

bool contains(const Ints& axes, int64_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

Shape reduced_shape(const Shape& shape, const Ints& axes, bool keepdims) {
  Shape result;
  for (int i = 0; i < shape.size(); ++i) {
    if (!contains(axes, i)) result.push_back(shape[i]);
    if (contains(axes, i) && keepdims) result.push_back(1);
  }
  return result;
}

int64_t reduced_count(const Shape& shape, const Ints& axes) {
  int64_t n = 1;
  for (int64_t axis : axes) n *= shape[static_cast<int>(axis)];
  return n;
}

Ints to_ints(const Shape& shape) { return Ints(shape.begin(), shape.end()); }

Tensor restore_axes(const Tensor& reduced, const Shape& full, const Ints& axes) {
  return fn::reshape(reduced, reduced_shape(full, axes, true));
}

Tensor widened(const Tensor& x) { return fn::cast(x, compute_dtype(x.dtype())); }

Tensor counting(int64_t n, DType dtype) {
  Tensor result = Tensor::empty({dtype, {n}});
  const auto size = static_cast<int64_t>(size_of(dtype));
  for (int64_t i = 0; i < n; ++i) store_number(result.host() + i * size, dtype, static_cast<double>(i));
  return result;
}

bool is_wide_index(DType dtype) { return dtype == DType::I32 || dtype == DType::I64; }

Tensor as_index(const Tensor& index) {
  return is_wide_index(index.dtype()) || !is_int(index.dtype()) ? index : fn::cast(index, DType::I64);
}

}  // namespace pt
