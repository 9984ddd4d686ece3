#include "ops/placing.h"

#include "ops/functional.h"

namespace pt::fn {

Tensor slice_scatter(const Tensor& x, const Shape& shape, const Ints& start, const Ints& step) {
  return call("slice_scatter", {x}, {{"shape", Ints(shape.begin(), shape.end())}, {"start", start}, {"step", step}});
}

Tensor put_along_axis_max(const Tensor& index, const Tensor& updates, int axis, int64_t size) {
  return call("put_along_axis_max", {index, updates}, {{"axis", int64_t{axis}}, {"size", size}});
}

}  // namespace pt::fn
