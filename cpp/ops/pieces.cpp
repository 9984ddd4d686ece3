#include "ops/pieces.h"

#include "ops/axes.h"

namespace pt {

Tensor piece(const Tensor& x, int axis, int64_t start, int64_t stop, int64_t step) {
  const auto axes = static_cast<std::size_t>(x.ndim()), at = static_cast<std::size_t>(axis);
  Ints starts(axes, 0), stops = to_ints(x.shape()), steps(axes, 1);
  starts[at] = start, stops[at] = stop, steps[at] = step;
  return block(x, starts, stops, steps);
}

Tensor block(const Tensor& x, const Ints& start, const Ints& stop, const Ints& step) {
  return fn::call("slice", {x}, {{"start", start}, {"stop", stop}, {"step", step}});
}

Tensor part_of(const Tensor& x, int axis, int64_t start, int64_t stop) {
  return start == 0 && stop == x.shape()[axis] ? x : piece(x, axis, start, stop);
}

Tensor as_line(const Tensor& x) { return fn::reshape(x, Shape{x.size()}); }

Tensor joined_at(Tensors pieces, int axis) {
  return pieces.size() == 1 ? pieces[0] : fn::concat(std::move(pieces), axis);
}

AroundAxis around_axis(const Shape& shape, int axis) {
  AroundAxis sizes{1, shape[axis], 1};
  for (int i = 0; i < axis; ++i) sizes.before *= shape[i];
  for (int i = axis + 1; i < shape.size(); ++i) sizes.behind *= shape[i];
  return sizes;
}

const Ints& parts_of_image(const Tensor& x, const Attrs& attrs, const std::string& op) {
  const Shape& shape = x.shape();
  const Ints& size = attrs.ints("output_size");
  if (shape.size() != 4 || shape[1] == 0 || shape[2] == 0 || (size.size() != 1 && size.size() != 2)) {
    throw ShapeError(text("[", op, "] input is ", x.type(), ", output_size = ", to_string(Attr(size)),
                          "; expected [n, h, w, channels] and one or two sizes above 0; reshape input"));
  }
  return size;
}

Tensor joined_parts(const Tensor& x, int axis, int64_t parts, const std::function<Tensor(const Tensor&)>& of) {
  const int64_t n = x.shape()[axis];
  Tensors all;
  for (int64_t i = 0; i < parts; ++i) {
    all.push_back(of(piece(x, axis, i * n / parts, ((i + 1) * n + parts - 1) / parts)));
  }
  return fn::concat(std::move(all), axis);
}

Ints moved_axis(int ndim, int from, int to) {
  Ints order;
  for (int i = 0; i < ndim; ++i) {
    if (i != from) order.push_back(i);
  }
  order.insert(order.begin() + to, from);
  return order;
}

Tensor swap_last(const Tensor& x) {
  const int n = x.ndim();
  return fn::transpose(x, moved_axis(n, n - 1, n - 2));
}

void check_pieces(const std::string& op, int64_t pieces) {
  constexpr int64_t kMost = int64_t{1} << 24;  // some gigabytes of tensors
  if (pieces <= kMost) return;
  throw ShapeError(text("[", op, "] received an axis to cut into ", pieces, " tensors; expected at most ", kMost,
                        "; index what is needed"));
}

}  // namespace pt
