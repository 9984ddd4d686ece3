#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  const Shape& x = c.in[0].shape;
  const bool rows = !x.empty() && x.back() > 0;
  c.expect(rows && c.in[1].shape == reduced_shape(x, {x.size() - 1}, false),
           text("logits is ", c.in[0], ", labels is ", c.in[1],
                "; expected one label per row of logits; drop or add an axis of labels"));
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

const Op* registered =
    define("cross_entropy")
        .in("logits", Takes::Number)
        .in_index("labels")
        .floats()
        .shape(infer)
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensor x = widened(in[0]), labels = as_column(in[1]);
          const Tensor chosen = fn::call("take_along_axis", {x, labels}, {{"axis", int64_t{-1}}});
          const auto [top, terms, total] = softmax(x);
          // Differences from the maximum keep the digits that large logits have lost.
          const Tensor loss = fn::log(total) - (chosen - top);
          return {fn::cast(fn::reshape(loss, in[1].shape()), in[0].dtype())};
        })
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor x = widened(c.in[0]), labels = as_column(c.in[1]);
          const int64_t classes = x.shape().back();
          // As the forward pass reads them: a label below 0 counts from the end.
          const Tensor n = Tensor::scalar(static_cast<double>(classes), labels.dtype());
          const Tensor zero = Tensor::scalar(0, labels.dtype());
          const Tensor place = fn::where(fn::less(labels, zero), labels + n, labels);
          const Tensor hit = fn::cast(fn::equal(place, counting(classes, labels.dtype())), x.dtype());
          const Tensor g = fn::reshape(widened(c.grad[0]), labels.shape());
          const auto [top, terms, total] = softmax(x);
          return {fn::cast((terms / total - hit) * g, c.in_types[0].dtype), Tensor()};
        })
        .doc(R"(minus the logarithm of the probability that softmax(logits) gives to each label: one value per row.
Shapes    logits [..., c], labels [...] -> [...]
Dtypes    logits floats; labels integers; f16 and bf16 are computed in f32 and rounded once
Errors    labels not of the shape of logits without the last axis; a label outside -c..c-1, reported when the call or
          the compiled step ends
Grad      logits
Numerics  the maximum is subtracted from every logit first; never the logarithm of a rounded probability)",
             R"(>>> round(pt.cross_entropy(pt.zeros((1, 2)), pt.tensor([1])).item(), 4)
0.6931)");

}  // namespace
}  // namespace pt
