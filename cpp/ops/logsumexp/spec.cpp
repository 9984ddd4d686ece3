#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/reduction.h"

namespace pt {
namespace {

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Tensor x = widened(in[0]);
  const Ints axes = reduced_axes(attrs, x.ndim(), "logsumexp");
  const Tensor top = fn::max(x, axes, true);
  // An infinite maximum is not subtracted: inf - inf would be NaN.
  const Tensor shift = fn::where(fn::call("isfinite", {top}), top, fn::number(0));
  const Tensor result = fn::log(fn::sum(fn::exp(x - shift), axes, true)) + shift;
  const Tensor rounded = fn::cast(result, in[0].dtype());
  return {attrs.flag("keepdims") ? rounded : fn::reshape(rounded, reduced_shape(x.shape(), axes, false))};
}

const Op* registered =
    composed_reduction("logsumexp")
        .shape([](const InferContext& c) -> Types {
          const Ints axes = reduced_axes(c.attrs, c.in[0].shape.size(), "logsumexp");
          c.expect(reduced_count(c.in[0].shape, axes) > 0,
                   text("x is ", c.in[0],
                        "; expected at least one element along the reduced axes; check for an empty input"));
          return {{c.in[0].dtype, reduced_shape(c.in[0].shape, axes, c.attrs.flag("keepdims"))}};
        })
        .compose(definition)
        .saves({true}, {true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Shape& full = c.in_types[0].shape;
          const Ints axes = reduced_axes(c.attrs, full.size(), "logsumexp");
          const Tensor result = restore_axes(c.out[0], full, axes);
          const Tensor shift = fn::where(fn::call("isfinite", {result}), result, fn::number(0));
          return {restore_axes(c.grad[0], full, axes) * fn::exp(c.in[0] - shift)};
        })
        .doc(R"(the logarithm of the sum of exp(x) over the given axes.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that x does not have; no element along an axis
Grad      x
Numerics  the maximum is subtracted first, so that nothing overflows)",
             R"(>>> round(pt.logsumexp(pt.zeros(2)).item(), 4)
0.6931)");

}  // namespace
}  // namespace pt
