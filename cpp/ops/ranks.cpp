#include "ops/ranks.h"

#include <algorithm>
#include <cmath>

#include "ops/axes.h"
#include "ops/composed.h"
#include "ops/pieces.h"

namespace pt {

Tensor Ranked::result(const Tensor& y) const {
  const Tensor found = fn::where(fn::call("isnan", {last}), last, y);
  return fn::cast(fn::reshape(found, type.shape), type.dtype);
}

Ranked ranked(const std::string& op, const Tensor& x, const Attrs& attrs, double q) {
  const bool all = !attrs.has("axis");
  const Tensor given = widened(all ? fn::reshape(x, {x.size()}) : x);
  const int axis = all ? 0 : normal_axis(attrs.integer("axis"), given.ndim(), op);
  const int64_t n = given.shape()[axis];
  if (n == 0) {
    throw ShapeError(
        text("[", op, "] x is ", x.type(), "; expected at least one element along the axis; check for an empty input"));
  }
  const Tensor ordered = fn::call("sort", {given}, {{"axis", int64_t{axis}}});
  const double at = q * static_cast<double>(n - 1);
  const auto low = static_cast<int64_t>(std::floor(at)), high = std::min(low + 1, n - 1);
  const Ints axes = all ? reduced_axes({}, x.ndim(), op) : Ints{axis};
  return {.below = piece(ordered, axis, low, low + 1),
          .above = piece(ordered, axis, high, high + 1),
          .between = at - static_cast<double>(low),
          .last = piece(ordered, axis, n - 1, n),
          .type = {x.dtype(), reduced_shape(x.shape(), axes, attrs.flag("keepdims"))}};
}

}  // namespace pt
