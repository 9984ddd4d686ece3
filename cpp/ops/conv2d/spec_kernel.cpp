// The convolution without its bias and its two gradients. Each is linear in both operands, so the gradients of all
// three are again these three.
#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/conv2d/plan.h"
#include "ops/functional.h"
#include "ops/window.h"

namespace pt {

namespace {

Shape output_shape(const Shape& x, const Shape& w, const Conv2dParams& p) {
  return {x[0], conv_output_size(x[1], w[0], p.stride_h, p.pad_top + p.pad_bottom, p.dilation_h),
          conv_output_size(x[2], w[1], p.stride_w, p.pad_left + p.pad_right, p.dilation_w), w[3]};
}

OpBuilder convolution(const std::string& name, const std::string& first, const std::string& second, BatchFn batch) {
  OpBuilder op = define(name);
  op.in(first, Takes::Float).in(second, Takes::Float);
  op.attr_counts("stride", 1, Ints{1})
      .attr_counts("padding", 0, Ints{0})
      .attr_counts("dilation", 1, Ints{1})
      .attr_count("groups", 1, 1);
  op.contiguous();
  op.batch(std::move(batch));
  return op;
}

Attrs with(Attrs attrs, std::string_view name, const Ints& value) {
  attrs.set(name, value);
  return attrs;
}

Attrs shared(const Attrs& attrs) {
  Attrs kept;
  for (const auto& [name, value] : attrs.items()) {
    if (name != "image" && name != "kernel_size") kept.set(name, value);
  }
  return kept;
}

Tensor forward(const Tensor& x, const Tensor& w, const Attrs& attrs) {
  return fn::call("conv2d_kernel", {x, w}, shared(attrs));
}
Tensor grad_input(const Tensor& g, const Tensor& w, const Shape& x, const Attrs& attrs) {
  return fn::call("conv2d_grad_input", {g, w}, with(shared(attrs), "image", Ints{x[1], x[2]}));
}
Tensor grad_weight(const Tensor& x, const Tensor& g, const Shape& w, const Attrs& attrs) {
  return fn::call("conv2d_grad_weight", {x, g}, with(shared(attrs), "kernel_size", Ints{w[0], w[1]}));
}

Types infer_forward(const InferContext& c) {
  const Shape &x = c.in[0].shape, &w = c.in[1].shape;
  const auto received = [&] { return text("input is ", c.in[0], ", weight is ", c.in[1]); };
  c.expect(x.size() == 4 && w.size() == 4,
           text(received(),
                "; expected input [n, h, w, channels] and weight [kh, kw, channels / groups, outputs]; reshape one"));
  const Conv2dParams p = conv2d_params(c.attrs, c.op.name);
  c.expect(
      w[2] * p.groups == x[3] && w[3] % p.groups == 0,
      text(received(), ", groups = ", p.groups, "; expected weight's third axis times groups to be input's channels (",
           x[3], "), and groups to divide weight's outputs; images are [n, h, w, channels]"));
  const Shape y = output_shape(x, w, p);
  c.expect(w[0] > 0 && w[1] > 0 && (y[1] > 0 && y[2] > 0),
           text(received(), "; expected a window no larger than the padded image; add padding"));
  return {{c.in[0].dtype, y}};
}

const Op* kernel =
    convolution("conv2d_kernel", "input", "weight", batch_folded({1}))
        .shape(infer_forward)
        .vjp([](const VjpContext& c) -> Tensors {
          return {c.needs[0] ? grad_input(c.grad[0], c.in[1], c.in_types[0].shape, c.attrs) : Tensor(),
                  c.needs[1] ? grad_weight(c.in[0], c.grad[0], c.in_types[1].shape, c.attrs) : Tensor()};
        })
        .doc(
            R"(conv2d without the bias.
Shapes    input [n, h, w, ci], weight [kh, kw, ci / groups, co] -> [n, oh, ow, co]
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    as conv2d
Grad      input, weight
Source    that of conv2d)",
            R"(>>> pt.ops.functional.OPERATORS["conv2d_kernel"](pt.ones((1, 3, 3, 2)), pt.ones((2, 2, 2, 1))).numpy().ravel().tolist()
[8.0, 8.0, 8.0, 8.0])");

const Op* input_gradient =
    convolution("conv2d_grad_input", "g", "weight", batch_folded({1}))
        .attr_counts("image", 0)
        .shape([](const InferContext& c) -> Types {
          const Shape &g = c.in[0].shape, &w = c.in[1].shape;
          const Ints& image = c.attrs.ints("image");
          const Conv2dParams p = conv2d_params(c.attrs, c.op.name);
          const bool fits = g.size() == 4 && w.size() == 4 && image.size() == 2;
          c.expect(fits, text("g is ", c.in[0], ", weight is ", c.in[1],
                              "; expected four axes each, and the image's two sizes; pass both"));
          const Shape x{g[0], image[0], image[1], w[2] * p.groups};
          c.expect(output_shape(x, w, p) == g,
                   text("g is ", c.in[0], ", weight is ", c.in[1], ", input is ", x,
                        "; expected g to have the shape of conv2d(input, weight); check the sizes"));
          return {{c.in[0].dtype, x}};
        })
        .vjp([](const VjpContext& c) -> Tensors {
          return {c.needs[0] ? forward(c.grad[0], c.in[1], c.attrs) : Tensor(),
                  c.needs[1] ? grad_weight(c.grad[0], c.in[0], c.in_types[1].shape, c.attrs) : Tensor()};
        })
        .doc(
            R"(the gradient g of conv2d's result as one of its images.
Shapes    g [n, oh, ow, co], weight [kh, kw, ci / groups, co] -> [n, image..., ci]
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    sizes that no convolution has
Grad      g, weight
Source    that of conv2d)",
            R"(>>> pt.ops.functional.OPERATORS["conv2d_grad_input"](pt.ones((1, 1, 1, 1)), pt.ones((2, 2, 1, 1)) * 3.0, image=(2, 2)).numpy().ravel().tolist()
[3.0, 3.0, 3.0, 3.0])");

const Op* weight_gradient =
    convolution("conv2d_grad_weight", "input", "g", batch_unrolled)
        .attr_counts("kernel_size", 1)
        .shape([](const InferContext& c) -> Types {
          const Shape &x = c.in[0].shape, &g = c.in[1].shape;
          const Ints& window = c.attrs.ints("kernel_size");
          const Conv2dParams p = conv2d_params(c.attrs, c.op.name);
          const bool fits = g.size() == 4 && x.size() == 4 && window.size() == 2;
          c.expect(fits, text("input is ", c.in[0], ", g is ", c.in[1],
                              "; expected four axes each, and the window's two sizes; pass both"));
          const Shape w{window[0], window[1], x[3] / p.groups, g[3]};
          c.expect(output_shape(x, w, p) == g,
                   text("input is ", c.in[0], ", g is ", c.in[1], ", weight is ", w,
                        "; expected g to have the shape of conv2d(input, weight); check the sizes"));
          return {{c.in[0].dtype, w}};
        })
        .vjp([](const VjpContext& c) -> Tensors {
          return {c.needs[0] ? grad_input(c.in[1], c.grad[0], c.in_types[0].shape, c.attrs) : Tensor(),
                  c.needs[1] ? forward(c.in[0], c.grad[0], c.attrs) : Tensor()};
        })
        .doc(
            R"(the gradient g of conv2d's result as one of its weights.
Shapes    input [n, h, w, ci], g [n, oh, ow, co] -> [kernel_size..., ci / groups, co]
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    sizes that no convolution has
Grad      input, g
Source    that of conv2d)",
            R"(>>> pt.ops.functional.OPERATORS["conv2d_grad_weight"](pt.ones((1, 2, 2, 1)), pt.ones((1, 2, 2, 1)), kernel_size=(1, 1)).item()
4.0)");

const AutocastRule rules[] = {{"conv2d_kernel", Precision::Low}, {"conv2d_grad_input", Precision::Low}};

}  // namespace
}  // namespace pt
