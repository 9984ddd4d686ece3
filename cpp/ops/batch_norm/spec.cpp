#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  const Shape& x = c.in[0].shape;
  c.expect(x.size() >= 2 && count(x) > 0,
           text("input is ", c.in[0], "; expected at least two axes, channels last, with elements; reshape input"));
  for (std::size_t i = 1; i < 3; ++i) {
    c.expect(c.in[i].shape == Shape{x.back()},
             text(c.op.inputs[i].name, " is ", c.in[i], ", input is ", c.in[0], "; ", c.op.inputs[i].name, " must be [",
                  x.back(), "]; pass one number per channel of input"));
  }
  const TensorType per_channel{c.in[0].dtype, {x.back()}};
  return {c.in[0], per_channel, per_channel};
}

Ints batch_axes(const Tensor& x) {
  Ints axes;
  for (int i = 0; i + 1 < x.ndim(); ++i) axes.push_back(i);
  return axes;
}

struct Statistics {
  Tensor mean, centered, variance;
};

Statistics statistics(const Tensor& x) {
  const Ints axes = batch_axes(x);
  const Tensor mean = fn::mean(x, axes, false), centered = x - mean;
  return {mean, centered, fn::mean(fn::square(centered), axes, false)};
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const auto [mean, centered, variance] = statistics(widened(in[0]));
  const Tensor y = centered * fn::rsqrt(variance + attrs.number("eps")) * in[1] + in[2];
  const DType dtype = in[0].dtype();
  return {fn::cast(y, dtype), fn::cast(mean, dtype), fn::cast(variance, dtype)};
}

Tensors gradient(const VjpContext& c) {
  const Tensor x = widened(c.in[0]);
  const Ints axes = batch_axes(x);
  const Tensor n = fn::number(static_cast<double>(x.size() / x.shape().back()));
  const auto [mean, centered, variance] = statistics(x);
  Tensor dx, dw, db;
  const auto add = [&](const Tensor& term) { dx = dx.defined() ? dx + term : term; };
  if (c.grad[0].defined()) {
    const Tensor g = widened(c.grad[0]), scale = fn::rsqrt(variance + c.attrs.number("eps")), value = centered * scale;
    const Tensor sum_g = fn::sum(g, axes, false), sum_gv = fn::sum(g * value, axes, false);
    if (c.needs[0]) add((g - sum_g / n - value * (sum_gv / n)) * (scale * c.in[1]));
    if (c.needs[1]) dw = fn::cast(sum_gv, c.in_types[1].dtype);
    if (c.needs[2]) db = fn::cast(sum_g, c.in_types[2].dtype);
  }
  if (c.needs[0] && c.grad[1].defined()) add(fn::broadcast_to(widened(c.grad[1]) / n, x.shape()));
  if (c.needs[0] && c.grad[2].defined()) add(centered * (2.0 * (widened(c.grad[2]) / n)));
  return {dx.defined() ? fn::cast(dx, c.in_types[0].dtype) : dx, dw, db};
}

const Op* registered =
    define("batch_norm")
        .in("input", Takes::Number)
        .in("weight", Takes::Number)
        .in("bias", Takes::Number)
        .floats()
        .attr("eps", 1e-5, non_negative)
        .outputs(3)
        .shape(infer)
        .compose(definition)
        .saves({true, true, false})
        .vjp(gradient)
        .doc(
            R"(each channel (last axis) minus its mean over all other axes, divided by its standard deviation, scaled by weight, shifted by bias.
Shapes    input [..., c], weight [c], bias [c] -> y [..., c], mean [c], variance [c] (divided by n, not n - 1)
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    weight or bias not of size c; no element per channel; eps < 0
Grad      input, weight, bias
Numerics  two passes, so that a mean far from zero costs no digits
Source    Ioffe & Szegedy 2015)",
            R"(>>> [t.shape for t in pt.ops.functional.OPERATORS["batch_norm"](pt.ones((8, 3)), pt.ones(3), pt.zeros(3))]
[(8, 3), (3,), (3,)])");

const AutocastRule rule("batch_norm", Precision::FullInside);

}  // namespace
}  // namespace pt
