// Where a matrix of x's last two axes is kept: on and below (or above) a diagonal.
#pragma once
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
  const Tensor row = fn::reshape(counting(rows, DType::I64), {rows, 1}), column = counting(columns, DType::I64);
  return fn::call(below ? "less_equal" : "greater_equal",
                  {column - row, Tensor::scalar(static_cast<double>(k), DType::I64)});
}

}  // namespace pt
