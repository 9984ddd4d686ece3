#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/losses.h"
#include "ops/made_of.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  const Shape& x = c.in[0].shape;
  const bool rows = !x.empty() && x.back() > 0;
  c.expect(rows && c.in[1].shape == reduced_shape(x, {x.size() - 1}, false),
           text("input is ", c.in[0], ", target is ", c.in[1], "; expected one label per row of input; ",
                way_to_fit(x, c.in[1].shape)));
  c.expect(!c.given[2] || c.in[2].shape == Shape{x.back()},
           text("weight is ", c.in[2], ", input is ", c.in[0], "; expected one weight per class; reshape it"));
  return {{c.in[0].dtype, c.in[1].shape}};
}

struct Softmax {
  Tensor top, terms, total;  // exp(x - top) and its sum, per row
};

Softmax softmax(const Tensor& x) {
  const Ints row = {x.ndim() - 1};
  const Tensor top = fn::max(x, row, true), terms = fn::exp(x - top);
  return {top, terms, fn::sum(terms, row, true)};
}

Tensor as_column(const Tensor& labels) {
  Shape shape = labels.shape();
  shape.push_back(1);
  return fn::reshape(as_index(labels), shape);
}

Tensor weight_of(const Tensor& weight, const Tensor& labels) { return fn::call("take", {widened(weight), labels}); }

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Tensor x = widened(in[0]);
  const auto [labels, kept] = kept_labels(as_column(in[1]), attrs);
  // Of the logits as they were before they were widened: else those would be stored for this alone.
  const Tensor picked = fn::call("take_along_axis", {before_widening(x), labels}, {{"axis", int64_t{-1}}});
  const Tensor chosen = fn::cast(picked, x.dtype());
  const auto [top, terms, total] = softmax(x);
  // Differences from the maximum keep the digits that large logits have lost.
  const Tensor log_total = fn::log(total);
  Tensor loss = log_total - (chosen - top);
  if (in[2].defined()) loss = loss * weight_of(in[2], labels);
  if (const double s = attrs.number("label_smoothing"); s > 0) {
    Tensor all = log_total - (x - top);
    if (in[2].defined()) all = all * widened(in[2]);
    loss = (1 - s) * loss + s * fn::mean(all, {-1}, true);
  }
  if (kept.defined()) loss = fn::where(kept, loss, fn::number(0));
  return {fn::cast(fn::reshape(loss, in[1].shape()), in[0].dtype())};
}

// The probabilities, times the weight of the row's whole target, minus that target.
Tensors gradient(const VjpContext& c) {
  const Tensor x = widened(c.in[0]);
  const auto [labels, kept] = kept_labels(as_column(c.in[1]), c.attrs);
  const int64_t classes = x.shape().back();
  const double s = c.attrs.number("label_smoothing"), even = s / static_cast<double>(classes);
  const Tensor hit = fn::cast(label_mask(labels, classes), x.dtype());
  Tensor g = fn::reshape(widened(c.grad[0]), labels.shape());
  if (kept.defined()) g = fn::where(kept, g, fn::number(0));
  const auto [top, terms, total] = softmax(x);
  const Tensor p = terms / total;
  Tensor dx, dw;
  if (!c.in[2].defined()) {
    const Tensor target = s > 0 ? (1 - s) * hit + even : hit;
    dx = (p - target) * g;
  } else {
    const Tensor weight = widened(c.in[2]), own = weight_of(c.in[2], labels);
    Tensor target = hit * own, sum = own;
    if (s > 0) {
      target = (1 - s) * target + even * weight;
      sum = (1 - s) * own + even * fn::sum(weight, {0}, false);
    }
    if (c.needs[0]) dx = (p * sum - target) * g;
    if (c.needs[2]) {
      const Tensor cost = fn::log(total) - (x - top);
      dw = fn::cast(unbroadcast((s > 0 ? (1 - s) * hit + even : hit) * cost * g, c.in_types[2].shape),
                    c.in_types[2].dtype);
    }
  }
  return {dx.defined() ? fn::cast(dx, c.in_types[0].dtype) : dx, Tensor(), dw};
}

const Op* registered =
    define("cross_entropy")
        .in("input", Takes::Number)
        .in_index("target")
        .in_optional("weight", Takes::Number)
        .floats()
        .attr("label_smoothing", 0.0, share)
        .attr_nullable("ignore_index", AttrKind::Int)
        .shape(infer)
        .compose(definition)
        .vjp(gradient)
        .doc(
            R"(minus the logarithm of the probability that softmax(input) gives to each label, times the weight of its class: one value per row.
Shapes    input [..., c], target [...], weight [c] -> [...]
Dtypes    input floats; target integers; f16 and bf16 are computed in f32 and rounded once
Errors    target not of the shape of input without the last axis; a label outside -c..c-1 that is not
          ignore_index, reported when the call or the compiled step ends; label_smoothing outside 0 to 1
Grad      input, weight
Numerics  the maximum is subtracted from every logit first; never the logarithm of a rounded
          probability; label_smoothing s makes the target 1 - s of the label and s spread over all classes; 0 for labels
          that are ignore_index
Source    Szegedy et al. 2016 (label_smoothing))",
            R"(>>> round(pt.ops.functional.OPERATORS["cross_entropy"](pt.zeros((1, 2)), pt.tensor([1])).item(), 4)
0.6931)");

const AutocastRule rule("cross_entropy", Precision::Full);

}  // namespace
}  // namespace pt
