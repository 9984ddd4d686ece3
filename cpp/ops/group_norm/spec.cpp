#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

// An example's rows of channels, one after the other, and how its channels are cut.
struct Grouped {
  int64_t examples, places, channels, groups;

  Grouped(const Shape& shape, int64_t groups)
      : examples(shape[0]), places(count(shape) / (shape[0] * shape.back())), channels(shape.back()), groups(groups) {}

  Tensor rows(const Tensor& x) const { return fn::reshape(x, {examples, places, channels}); }

  // Sums over the places, [n, 1, channels]. A group has few channels, so sums over groups at once would be of short
  // rows, which take several times as long.
  Tensor by_channel(const Tensor& x) const { return fn::sum(x, {1}, true); }

  // The mean over each group, said for each of its channels, of such sums.
  Tensor mean(const Tensor& sums) const {
    const Shape cut = {examples, groups, channels / groups};
    const Tensor total = fn::sum(fn::reshape(sums, cut), {2}, true) / fn::number(static_cast<double>(places * cut[2]));
    return fn::reshape(fn::broadcast_to(total, cut), {examples, 1, channels});
  }
};

struct Normalised {
  Tensor value;  // mean 0, variance 1 in each group
  Tensor scale;  // one over the standard deviation, for each channel
};

Normalised normalised(const Grouped& by, const Tensor& x, double eps) {
  const Tensor centered = x - by.mean(by.by_channel(x));
  const Tensor scale = fn::rsqrt(by.mean(by.by_channel(fn::square(centered))) + eps);
  return {centered * scale, scale};
}

Types infer(const InferContext& c) {
  const Shape& shape = c.in[0].shape;
  const int64_t groups = c.attrs.integer("num_groups");
  c.expect(shape.size() >= 2 && count(shape) > 0 && shape.back() % groups == 0,
           text("input is ", c.in[0], ", num_groups = ", groups,
                "; expected [n, ..., channels] with elements and a number that divides the channels; change groups"));
  for (std::size_t i = 1; i < 3; ++i) {
    c.expect(!c.given[i] || c.in[i].shape == Shape{shape.back()},
             text(c.op.inputs[i].name, " is ", c.in[i], ", input is ", c.in[0],
                  "; expected one number per channel; reshape it"));
  }
  return {c.in[0]};
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Grouped by(in[0].shape(), attrs.integer("num_groups"));
  Tensor y = normalised(by, by.rows(widened(in[0])), attrs.number("eps")).value;
  if (in[1].defined()) y = y * in[1];
  if (in[2].defined()) y = y + in[2];
  return {fn::cast(fn::reshape(y, in[0].shape()), in[0].dtype())};
}

Tensors gradient(const VjpContext& c) {
  const Grouped by(c.in_types[0].shape, c.attrs.integer("num_groups"));
  const Tensor x = by.rows(widened(c.in[0])), g = by.rows(widened(c.grad[0]));
  const auto [value, scale] = normalised(by, x, c.attrs.number("eps"));
  const Tensor sums = by.by_channel(g), along = by.by_channel(g * value);
  Tensor dx, dw, db;
  if (c.needs[0]) {
    const auto weighted = [&](const Tensor& t) { return c.in[1].defined() ? t * c.in[1] : t; };
    dx = (weighted(g) - by.mean(weighted(sums)) - value * by.mean(weighted(along))) * scale;
    dx = fn::cast(fn::reshape(dx, c.in_types[0].shape), c.in_types[0].dtype);
  }
  if (c.needs[1]) dw = fn::cast(unbroadcast(along, c.in_types[1].shape), c.in_types[1].dtype);
  if (c.needs[2]) db = fn::cast(unbroadcast(sums, c.in_types[2].shape), c.in_types[2].dtype);
  return {dx, dw, db};
}

const Op* registered =
    define("group_norm")
        .in("input", Takes::Number)
        .in_optional("weight", Takes::Number)
        .in_optional("bias", Takes::Number)
        .floats()
        .attr("eps", 1e-5, non_negative)
        .attr_count("num_groups", 1)
        .shape(infer)
        .compose(definition)
        .saves({true, true, false})
        .vjp(gradient)
        .doc(
            R"(each example's channels in groups, each group minus its mean, divided by its standard deviation; then scaled by weight and shifted by bias, which may be left out.
Shapes    input [n, ..., c], weight [c], bias [c] -> [n, ..., c]
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    groups that do not divide the channels; weight or bias not of size c; no elements; eps < 0
Grad      input, weight, bias
Numerics  two passes, so that a mean far from zero costs no digits
Source    Wu & He 2018)",
            R"(>>> pt.ops.functional.OPERATORS["group_norm"](pt.ones((2, 5, 5, 6)), num_groups=3).shape
(2, 5, 5, 6))");

const AutocastRule rule("group_norm", Precision::Full);

}  // namespace
}  // namespace pt
