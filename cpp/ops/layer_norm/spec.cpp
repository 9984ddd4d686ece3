#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  const Shape& x = c.in[0].shape;
  c.expect(!x.empty() && x.back() > 0,
           text("input is ", c.in[0], "; expected rows with at least one element; reshape input"));
  for (std::size_t i = 1; i < 3; ++i) {
    c.expect(!c.given[i] || c.in[i].shape == Shape{x.back()},
             text(c.op.inputs[i].name, " is ", c.in[i], ", input is ", c.in[0], "; ", c.op.inputs[i].name, " must be [",
                  x.back(), "]; pass one number per column of input"));
  }
  return {c.in[0]};
}

struct Normalised {
  Tensor value;  // mean 0, variance 1 along the row
  Tensor scale;  // one over the standard deviation, per row
};

Normalised normalised(const Tensor& x, double eps) {
  const Ints row = {x.ndim() - 1};
  const Tensor centered = x - fn::mean(x, row, true);
  const Tensor scale = fn::rsqrt(fn::mean(fn::square(centered), row, true) + eps);
  return {centered * scale, scale};
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  Tensor y = normalised(widened(in[0]), attrs.number("eps")).value;
  if (in[1].defined()) y = y * in[1];
  if (in[2].defined()) y = y + in[2];
  return {fn::cast(y, in[0].dtype())};
}

Tensors gradient(const VjpContext& c) {
  const Tensor x = widened(c.in[0]), g = widened(c.grad[0]);
  const Ints row = {x.ndim() - 1};
  const auto [value, scale] = normalised(x, c.attrs.number("eps"));
  Tensor dx, dw, db;
  if (c.needs[0]) {
    const Tensor h = c.in[1].defined() ? g * c.in[1] : g;
    const Tensor along = value * fn::mean(h * value, row, true);
    dx = fn::cast((h - fn::mean(h, row, true) - along) * scale, c.in_types[0].dtype);
  }
  if (c.needs[1]) dw = fn::cast(unbroadcast(g * value, c.in_types[1].shape), c.in_types[1].dtype);
  if (c.needs[2]) db = fn::cast(unbroadcast(g, c.in_types[2].shape), c.in_types[2].dtype);
  return {dx, dw, db};
}

const Op* registered =
    define("layer_norm")
        .in("input", Takes::Number)
        .in_optional("weight", Takes::Number)
        .in_optional("bias", Takes::Number)
        .floats()
        .attr("eps", 1e-5, non_negative)
        .shape(infer)
        .compose(definition)
        .saves({true, true, false})
        .vjp(gradient)
        .doc(
            R"(each row minus its mean, divided by its standard deviation; then scaled by weight and shifted by bias, which may be left out.
Shapes    input [..., n], weight [n], bias [n] -> [..., n]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    weight or bias not of size n; a row without elements; eps < 0
Grad      input, weight, bias
Numerics  two passes, so that a mean far from zero costs no digits
Source    Ba, Kiros & Hinton 2016)",
            R"(>>> pt.ops.functional.OPERATORS["layer_norm"](pt.ones((2, 4)), pt.ones(4), pt.zeros(4)).shape
(2, 4))");

const AutocastRule rule("layer_norm", Precision::Full);

}  // namespace
}  // namespace pt
