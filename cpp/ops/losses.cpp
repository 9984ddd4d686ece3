#include "ops/losses.h"

#include "ops/axes.h"
#include "ops/elementwise.h"

namespace pt {

OpBuilder elementwise_loss(const std::string& name, LossFormula value) {
  OpBuilder op = define(name);
  op.in("input", Takes::Number).in("target", Takes::Number).floats();
  op.compose([value](const Tensors& in, const Attrs& attrs) -> Tensors {
    return {fn::cast(value(widened(in[0]), widened(in[1]), attrs), in[0].dtype())};
  });
  return op;
}

VjpFn vjp_of_distance(UnaryFormula slope) {
  return [slope](const VjpContext& c) -> Tensors {
    const Tensor to_input = widened(c.grad[0]) * slope(widened(c.in[0]) - widened(c.in[1]), c.attrs);
    const auto given = [&](const Tensor& gradient, int i) {
      return fn::cast(unbroadcast(gradient, c.in_types[std::size_t(i)].shape), c.in_types[std::size_t(i)].dtype);
    };
    return {c.needs[0] ? given(to_input, 0) : Tensor(), c.needs[1] ? given(-to_input, 1) : Tensor()};
  };
}

Tensor near_or_far(const Tensor& distance, double bound, double scale, const Tensor& far) {
  return fn::where(fn::less(distance, fn::number(bound)), scale * fn::square(distance), far);
}
Tensor slope_near_or_far(const Tensor& apart, double bound, double scale) {
  const Tensor near = fn::less(fn::abs(apart), fn::number(bound));
  return fn::where(near, 2 * scale * apart, 2 * scale * bound * fn::call("sign", {apart}));
}

std::string way_to_fit(const Shape& scores, const Shape& labels) {
  Shape moved = scores;
  if (scores.size() > 2 && labels.size() + 1 == scores.size()) {
    moved.erase(1);
    if (moved == labels) return "classes are the last axis here: move axis 1 of input behind the others";
  }
  return "drop or add an axis of target";
}

Tensor label_column(const Tensor& scores, const Tensor& labels, const std::string& op) {
  const Shape& x = scores.shape();
  if (!is_int(labels.dtype())) {
    throw DTypeError(text("[", op, "] target is ", labels.type(), "; expected integers; convert it with astype"));
  }
  if (x.empty() || x.back() == 0 || labels.shape() != reduced_shape(x, {x.size() - 1}, false)) {
    throw ShapeError(text("[", op, "] input is ", scores.type(), ", target is ", labels.type(),
                          "; expected one label per row of input; ", way_to_fit(x, labels.shape())));
  }
  Shape shape = labels.shape();
  shape.push_back(1);
  return fn::reshape(as_index(labels), shape);
}

KeptLabels kept_labels(const Tensor& column, const Attrs& attrs) {
  if (!attrs.has("ignore_index")) return {column, Tensor()};
  const Tensor ignored = Tensor::scalar(static_cast<double>(attrs.integer("ignore_index")), column.dtype());
  const Tensor kept = fn::call("not_equal", {column, ignored});
  return {fn::where(kept, column, Tensor::scalar(0, column.dtype())), kept};
}

Tensor mean_of_labels(const Tensor& values, const Tensor& labels, const Tensor& weight, const Attrs& attrs) {
  const bool all = !attrs.has("ignore_index");
  if (all && !weight.defined()) return fn::call("mean", {values});
  // Sums of 16 bits would leave their range, and be rounded before they are divided.
  const auto wide = [](const Tensor& t) { return is_half(t.dtype()) ? fn::cast(t, DType::F32) : t; };
  Tensor kept;
  const auto whole = [](int64_t number) { return Tensor::scalar(static_cast<double>(number), DType::I64, true); };
  if (!all) kept = fn::call("not_equal", {labels, whole(attrs.integer("ignore_index"))});
  Tensor counted = fn::number(1);
  if (weight.defined()) counted = fn::call("take", {wide(weight), all ? labels : fn::where(kept, labels, whole(0))});
  if (!all) counted = fn::where(kept, counted, fn::number(0));
  const Tensor mean = fn::call("sum", {wide(values)}) / fn::call("sum", {counted});
  return is_half(values.dtype()) ? fn::cast(mean, values.dtype()) : mean;
}

Tensor label_mask(const Tensor& column, int64_t classes) {
  const Tensor n = Tensor::scalar(static_cast<double>(classes), column.dtype());
  const Tensor zero = Tensor::scalar(0, column.dtype());
  return fn::equal(fn::where(fn::less(column, zero), column + n, column), counting(classes, column.dtype()));
}

}  // namespace pt
