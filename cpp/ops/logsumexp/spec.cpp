#include <limits>

#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/reduction.h"

namespace pt {
namespace {

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Tensor x = widened(in[0]);
  const Ints axes = reduced_axes(attrs, x.ndim(), "logsumexp");
  if (reduced_count(x.shape(), axes) == 0) {  // the logarithm of a sum of nothing
    const TensorType type{in[0].dtype(), reduced_shape(x.shape(), axes, attrs.flag("keepdims"))};
    return {Tensor::full(type, -std::numeric_limits<double>::infinity())};
  }
  const Tensor top = fn::max(x, axes, true);
  // An infinite maximum is not subtracted: inf - inf would be NaN.
  const Tensor shift = fn::where(fn::call("isfinite", {top}), top, fn::number(0));
  const Tensor total = fn::sum(fn::exp(x - shift), axes, true);
  const Tensor result = fn::cast(fn::log(total) + shift, in[0].dtype());
  return {attrs.flag("keepdims") ? result : fn::reshape(result, reduced_shape(x.shape(), axes, false))};
}

// Not as exp(x - result): a large result has lost the digits that the difference would need.
Tensors gradient(const VjpContext& c) {
  if (c.in[0].size() == 0) return {fn::zeros(c.in_types[0])};
  const Tensor x = widened(c.in[0]);
  const Ints axes = reduced_axes(c.attrs, x.ndim(), "logsumexp");
  const Tensor top = fn::max(x, axes, true), infinity = fn::number(std::numeric_limits<double>::infinity());
  const Tensor subtracted = fn::call("logical_or", {fn::call("isfinite", {top}), fn::equal(top, infinity)});
  const Tensor shift = fn::where(subtracted, top, fn::number(0));
  // Infinite elements share the gradient; beside them, what is finite moves nothing: it is e to the minus infinity.
  const Tensor terms = fn::where(fn::equal(x, infinity), fn::number(1), fn::exp(x - shift));
  const Tensor total = fn::sum(terms, axes, true);
  // Where all of x is -inf, nothing moves the result.
  const Tensor share = terms / fn::where(fn::equal(total, fn::number(0)), fn::number(1), total);
  return {fn::cast(restore_axes(widened(c.grad[0]), x.shape(), axes) * share, c.in_types[0].dtype)};
}

const Op* registered = composed_reduction("logsumexp")
                           .shape([](const InferContext& c) -> Types {
                             const Ints axes = reduced_axes(c.attrs, c.in[0].shape.size(), "logsumexp");
                             return {{c.in[0].dtype, reduced_shape(c.in[0].shape, axes, c.attrs.flag("keepdims"))}};
                           })
                           .compose(definition)
                           .vjp(gradient)
                           .doc(R"(the logarithm of the sum of exp(x) over the given axes.
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that x does not have
Grad      x; infinite elements share it equally
Numerics  the maximum is subtracted first, so that nothing overflows; -inf of no element
Source    SciPy, special.logsumexp)",
                                R"(>>> round(pt.logsumexp(pt.zeros(2)).item(), 4)
0.6931)");

const AutocastRule rule("logsumexp", Precision::Full);

}  // namespace
}  // namespace pt
