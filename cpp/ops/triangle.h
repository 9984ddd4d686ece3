// Where a matrix of x's last two axes is kept: on and below (or above) a diagonal.
#pragma once
#include <algorithm>

#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {

// A mask of [m, n]: true at row i, column j where j - i <= k (below) or >= k.
inline Tensor triangle_mask(const Tensor& x, int64_t k, bool below, const std::string& op) {
  if (x.ndim() < 2) {
    throw ShapeError(text("[", op, "] x is ", x.type(), "; expected at least two axes; reshape x"));
  }
  const Shape& shape = x.shape();
  const int64_t rows = shape[shape.size() - 2], columns = shape.back();
  // Beyond the corners nothing more is kept or left out.
  const int64_t diagonal = std::clamp(k, -rows, columns);
  const DType whole = rows + columns < int64_t{1} << 30 ? DType::I32 : DType::I64;
  const Tensor last = fn::reshape(counting(rows, whole), {rows, 1}) + Tensor::scalar(double(diagonal), whole);
  return fn::call(below ? "less_equal" : "greater_equal", {counting(columns, whole), last});
}

}  // namespace pt
