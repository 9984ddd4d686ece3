#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

// Updates of one call, broadcast against each other, with x's own elements in front where these count.
struct Sources {
  Tensor index, updates;
  int axis;
  int64_t size;
  Attrs along() const { return {{"axis", int64_t{axis}}}; }
  Attrs into() const { return {{"axis", int64_t{axis}}, {"size", size}}; }
};

// 0, 1, ... along the axis of a tensor of that shape.
Tensor places(const Shape& shape, int axis, DType dtype) {
  Shape column;
  for (int i = 0; i < shape.size(); ++i) column.push_back(i == axis ? shape[i] : 1);
  return fn::broadcast_to(fn::reshape(counting(shape[axis], dtype), column), shape);
}

Sources sources(const Tensors& in, const Attrs& attrs) {
  const Shape& x = in[0].shape();
  const Tensor index = as_index(in[1]);
  const int axis = normal_axis(attrs.integer("axis"), x.size(), "scatter_reduce");
  Shape target = x;
  bool fits = index.ndim() == x.size() && size_of(index.dtype()) >= 4;
  if (fits) {
    target[axis] = index.shape()[axis];
    fits = broadcast(index.shape(), target, "scatter_reduce") == target &&
           broadcast(in[2].shape(), target, "scatter_reduce") == target;
  }
  if (!fits) {
    throw ShapeError(text("[scatter_reduce] x is ", in[0].type(), ", index is ", in[1].type(), ", updates is ",
                          in[2].type(), "; expected integers that broadcast to the shape of x but along axis ", axis,
                          ", and updates that broadcast to theirs; reshape one"));
  }
  return {fn::broadcast_to(index, target), fn::broadcast_to(in[2], target), axis, x[axis]};
}

Sources with_own(const Tensor& x, const Sources& s) {
  const Tensor own = places(x.shape(), s.axis, s.index.dtype());
  return {fn::call("concat", {own, s.index}, s.along()), fn::call("concat", {x, s.updates}, s.along()), s.axis, s.size};
}

Tensor counts(const Sources& s) {
  const Tensor ones = fn::broadcast_to(Tensor::scalar(1, DType::I64), s.index.shape());
  return fn::call("put_along_axis", {s.index, ones}, s.into());
}

Tensor largest(const Sources& s) { return fn::call("put_along_axis_max", {s.index, s.updates}, s.into()); }

// The order turned around: what is largest there is smallest here, and nothing overflows.
Tensor turned(const Tensor& x) { return is_float(x.dtype()) ? -x : fn::call("bitwise_invert", {x}); }

Tensor mean(Sources s) {
  const DType dtype = s.updates.dtype();
  const Tensor n = fn::maximum(counts(s), Tensor::scalar(1, DType::I64));
  s.updates = widened(s.updates);
  const Tensor sum = fn::call("put_along_axis", {s.index, s.updates}, s.into());
  if (!is_float(dtype)) return fn::call("floor_divide", {sum, fn::cast(n, dtype)});
  return fn::cast(sum / fn::cast(n, sum.dtype()), dtype);
}

// The last update of each place; s holds one for every place.
Tensor last(const Sources& s) {
  const Tensor order = places(s.index.shape(), s.axis, DType::I64);
  const Tensor winner = fn::call("put_along_axis_max", {s.index, order}, s.into());
  return fn::call("take_along_axis", {s.updates, winner}, s.along());
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const std::string& reduce = attrs.str("reduce");
  const Sources given = sources(in, attrs);
  if (given.index.size() == 0) return {in[0]};
  if (reduce == "replace") return {last(with_own(in[0], given))};
  const bool own = attrs.flag("include_self");
  Sources s = own ? with_own(in[0], given) : given;
  Tensor y;
  if (reduce == "sum") y = fn::call("put_along_axis", {s.index, s.updates}, s.into());
  if (reduce == "mean") y = mean(s);
  if (reduce == "max") y = largest(s);
  if (reduce == "min") {
    s.updates = turned(s.updates);
    y = turned(largest(s));
  }
  if (own) return {y};
  return {fn::where(fn::greater(counts(s), Tensor::scalar(0, DType::I64)), y, in[0])};
}

const Op* registered =
    define("scatter_reduce")
        .in("x")
        .in_index("index")
        .in("updates")
        .attr("axis", -1)
        .attr("reduce", "replace", {"replace", "sum", "mean", "max", "min"})
        .attr("include_self", true)
        .compose(definition)
        .doc(
            R"(x with the updates at their places along an axis: the last update of a place, or all of them reduced.
Shapes    x [..., n, ...], index [..., k, ...], updates [..., k, ...] -> [..., n, ...]; index broadcasts to x along the
          other axes, updates to index
Dtypes    all; bool for replace, max and min; index integers
Errors    another number of axes; an index outside -n..n-1, reported when the call or the compiled step ends
Grad      x, updates; for max and min equal ones share it equally, for replace the last one has it
Numerics  the element of x comes first, or not at all with include_self=False, and then the updates in their order; what
          has no update stays; f16 and bf16 add up in f32; the mean of integers rounds down
Source    PyTorch, scatter_reduce)",
            R"(>>> pt.scatter_reduce(pt.zeros(3), pt.tensor([1, 1]), pt.tensor([2.0, 5.0]), reduce="max").numpy().tolist()
[0.0, 5.0, 0.0])");

}  // namespace
}  // namespace pt
