#include <cmath>
#include <limits>

#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/composed.h"
#include "ops/reduction.h"

namespace pt {
namespace {

// |x| to the power of p, without the infinite slope of a root at 0.
Tensor power(const Tensor& size, double p) { return fn::call("pow", {size, fn::number(p)}); }

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Tensor x = widened(in[0]), size = fn::abs(x);
  const Ints axes = reduced_axes(attrs, x.ndim(), "vector_norm");
  const double p = attrs.number("ord");
  Tensor y;
  if (p == 0) {
    y = fn::sum(fn::cast(fn::call("not_equal", {x, fn::number(0)}), x.dtype()), axes, true);
  } else if (p == 1) {
    y = fn::sum(size, axes, true);
  } else if (std::isinf(p)) {
    y = fn::call(p > 0 ? "max" : "min", {size}, {{"axis", axes}, {"keepdims", true}});
  } else if (p == 2) {
    y = fn::sqrt(fn::sum(fn::square(x), axes, true));
  } else {
    y = power(fn::sum(power(size, p), axes, true), 1 / p);
  }
  return {fn::cast(fn::reshape(y, reduced_shape(x.shape(), axes, attrs.flag("keepdims"))), in[0].dtype())};
}

// Where the norm is 0 the gradient is taken to be 0, as PyTorch does.
Tensors gradient(const VjpContext& c) {
  const Tensor x = widened(c.in[0]), size = fn::abs(x), zero = fn::number(0);
  const Shape& full = x.shape();
  const Ints axes = reduced_axes(c.attrs, full.size(), "vector_norm");
  const double p = c.attrs.number("ord");
  const Tensor y = restore_axes(widened(c.out[0]), full, axes), g = restore_axes(widened(c.grad[0]), full, axes);
  const Tensor sign = fn::call("sign", {x});
  Tensor slope;
  if (p == 0) {
    slope = fn::zeros(x.type());
  } else if (p == 1) {
    slope = sign;
  } else if (std::isinf(p)) {
    const Tensor nan = fn::call("not_equal", {x, x});
    const Tensor share = fn::cast(fn::call("logical_or", {fn::equal(size, y), nan}), x.dtype());  // ties share equally
    slope = sign * (share / fn::sum(share, axes, true));
  } else if (p == 2) {
    slope = x / fn::where(fn::equal(y, zero), fn::number(1), y);
  } else {
    slope = fn::where(fn::equal(size, zero), zero, sign * power(size / y, p - 1));
  }
  return {fn::cast(g * slope, c.in_types[0].dtype)};
}

const Op* registered =
    composed_reduction("vector_norm")
        .attr("ord", 2.0)
        .shape([](const InferContext& c) -> Types {
          const Ints axes = reduced_axes(c.attrs, c.in[0].shape.size(), c.op.name);
          c.expect(!std::isinf(c.attrs.number("ord")) || reduced_count(c.in[0].shape, axes) > 0,
                   text("x is ", c.in[0], "; expected at least one element along the axes; check for an empty input"));
          return {{c.in[0].dtype, reduced_shape(c.in[0].shape, axes, c.attrs.flag("keepdims"))}};
        })
        .compose(definition)
        .saves({true}, {true})
        .vjp(gradient)
        .doc(R"(the p-norm of the vectors along axes: the p-th root of the sum of |x|^p, p being ord.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that x does not have; an infinite ord over no elements
Grad      x; 0 where the norm is 0; with an infinite ord, equal elements share it equally
Numerics  ord = inf gives the largest |x|, -inf the smallest, 0 how many are not 0; squares may overflow
Source    the array API standard 2024.12 (linalg.vector_norm))",
             R"(>>> pt.linalg.vector_norm(pt.tensor([3.0, 4.0])).item()
5.0)");

const AutocastRule rule("vector_norm", Precision::Full);

}  // namespace
}  // namespace pt
