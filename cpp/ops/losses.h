// What losses share: rows of class scores with labels, and the frame of a loss per element.
#pragma once
#include "ops/composed.h"

namespace pt {

// Begins the spec of a loss per element of x and a target, which broadcast; 16-bit floats are computed in f32.
using LossFormula = std::function<Tensor(const Tensor& x, const Tensor& target, const Attrs& attrs)>;
OpBuilder elementwise_loss(const std::string& name, LossFormula value);

// The gradient of a loss of how far apart input and target are: its slope there.
VjpFn vjp_of_distance(UnaryFormula slope);

// What to do where labels do not fit scores: of images, PyTorch has the classes behind the batch.
std::string way_to_fit(const Shape& scores, const Shape& labels);

// Labels [...] of scores [..., c] as a column [..., 1] of i32 or i64; throws naming the op where they do not fit.
Tensor label_column(const Tensor& scores, const Tensor& labels, const std::string& op);

// Where a column of labels is ignore_index: never, when that attribute is None. Such labels become 0.
struct KeptLabels {
  Tensor labels;
  Tensor kept;  // undefined where all are
};
KeptLabels kept_labels(const Tensor& column, const Attrs& attrs);

// The sum of the values of labels over the weights of those that count: all but ignore_index, unless that is None.
Tensor mean_of_labels(const Tensor& values, const Tensor& labels, const Tensor& weight, const Attrs& attrs);

// A mask [..., c], true at the place of each label; a label below 0 counts from the end.
Tensor label_mask(const Tensor& column, int64_t classes);

// x where it is not below 0, else 0; at 0 the gradient is 1, as PyTorch's losses have it.
inline Tensor hinge(const Tensor& x) {
  const Tensor zero = fn::number(0);
  return fn::where(fn::less(x, zero), zero, x);
}

// Of losses that are scale * distance^2 up to a bound, and a straight line from there on: the value, of the distance;
// and the slope, of how far apart the two are. Its derivative is that of a square below the bound, also at 0, and 0
// beyond.
Tensor near_or_far(const Tensor& distance, double bound, double scale, const Tensor& far);
Tensor slope_near_or_far(const Tensor& apart, double bound, double scale);

}  // namespace pt
