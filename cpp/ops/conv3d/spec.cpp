#include "ops/functional.h"
#include "ops/pieces.h"
#include "ops/window.h"

namespace pt {
namespace {

// One two-dimensional convolution for each plane of the window, added in their order.
Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Shape &x = in[0].shape(), &w = in[1].shape();
  if (x.size() != 5 || w.size() != 5) {
    throw ShapeError(text("[conv3d] input is ", in[0].type(), ", weight is ", in[1].type(),
                          "; expected input [n, d, h, w, ci] and weight [kd, kh, kw, ci / groups, co]; reshape them"));
  }
  const auto stride = triple_of(attrs, "stride", "conv3d"), padding = triple_of(attrs, "padding", "conv3d"),
             dilation = triple_of(attrs, "dilation", "conv3d");
  const int64_t depth = x[1] + 2 * padding[0], span = dilation[0] * (w[0] - 1) + 1;
  if (w[0] < 1 || span > depth) {
    throw ShapeError(text("[conv3d] input is ", in[0].type(), ", weight is ", in[1].type(),
                          "; expected a window no deeper than the padded input; pad more"));
  }
  const int64_t planes = (depth - span) / stride[0] + 1;
  const Attrs flat{{"stride", Ints{stride[1], stride[2]}},
                   {"padding", Ints{padding[1], padding[2]}},
                   {"dilation", Ints{dilation[1], dilation[2]}},
                   {"groups", attrs.integer("groups")}};
  const Tensor padded =
      padding[0] == 0 ? in[0]
                      : fn::call("pad", {in[0]},
                                 {{"before", Ints{0, padding[0], 0, 0, 0}}, {"after", Ints{0, padding[0], 0, 0, 0}}});
  Tensor sum;
  for (int64_t k = 0; k < w[0]; ++k) {
    const int64_t first = k * dilation[0];
    const Tensor images = piece(padded, 1, first, first + (planes - 1) * stride[0] + 1, stride[0]);
    const Tensor window = fn::reshape(piece(in[1], 0, k, k + 1), {w[1], w[2], w[3], w[4]});
    const Tensor y = fn::call("conv2d", {fn::reshape(images, {x[0] * planes, x[2], x[3], x[4]}), window}, flat);
    sum = sum.defined() ? sum + y : y;
  }
  const Shape& y = sum.shape();
  sum = fn::reshape(sum, {x[0], planes, y[1], y[2], y[3]});
  return {in[2].defined() ? sum + in[2] : sum};
}

const Op* registered =
    convolution("conv3d")
        .compose(definition)
        .doc(
            R"(the three-dimensional convolution (cross-correlation) of volumes with a window of weights, plus b, which may be left out.
Shapes    input [n, d, h, w, ci], weight [kd, kh, kw, ci / groups, co], bias [co] -> [n, od, oh, ow, co]; stride, padding and dilation
          are one number or (planes, rows, columns)
Dtypes    floats
Errors    channels that do not match; a window larger than the padded volume; groups that do not divide the channels
Grad      input, weight, bias
Numerics  conv2d plane by plane, added in their order and, for f16 and bf16, rounded after each
Source    PyTorch, nn.functional.conv3d)",
            R"(>>> pt.nn.functional.conv3d(pt.ones((1, 4, 8, 8, 3)), pt.ones((3, 3, 3, 3, 2)), padding=1).shape
(1, 4, 8, 8, 2))");

}  // namespace
}  // namespace pt
