// What topk and argtopk demand of their attributes.
#pragma once
#include "ops/axes.h"

namespace pt {

// The axis that is ordered, once k is known to be none too many. `x` is the input as an error shows it.
inline int axis_with_k(const std::string& op, const Shape& shape, const Attrs& attrs, const std::string& x) {
  const int axis = normal_axis(attrs.integer("axis"), shape.size(), op);
  const int64_t k = attrs.integer("k");
  if (k < 0 || k > shape[axis]) {
    throw ShapeError(text("[", op, "] x is ", x, ", k = ", k, "; expected 0 to ", shape[axis], "; choose a smaller k"));
  }
  return axis;
}

}  // namespace pt
