#include "ops/autocast.h"
#include "ops/functional.h"
#include "ops/pieces.h"
#include "ops/window.h"

namespace pt {
namespace {

Ints rows_and_columns(const std::array<int64_t, 3>& numbers) { return {numbers[1], numbers[2]}; }

// One two-dimensional transposed convolution for each plane of the window, laid into the volume that it reaches and
// added in their order.
Tensors definition(const Tensors& in, const Attrs& attrs) {
  const std::string op = "conv_transpose3d";
  const Shape &x = in[0].shape(), &w = in[1].shape();
  if (x.size() != 5 || w.size() != 5 || x[4] != w[4] || w[0] < 1) {
    throw ShapeError(
        text("[conv_transpose3d] input is ", in[0].type(), ", weight is ", in[1].type(),
             "; expected input [n, d, h, w, ci] and weight [kd, kh, kw, co / groups, ci]; transpose weight"));
  }
  const auto stride = triple_of(attrs, "stride", op), padding = triple_of(attrs, "padding", op),
             more = triple_of(attrs, "output_padding", op), dilation = triple_of(attrs, "dilation", op);
  for (std::size_t i = 0; i < 3; ++i) {
    if (more[i] < std::max(stride[i], dilation[i])) continue;
    throw ShapeError(text("[conv_transpose3d] output_padding = ", to_string(Attr(attrs.ints("output_padding"))),
                          "; expected less than stride or dilation; choose a smaller one"));
  }
  const int64_t whole = (x[1] - 1) * stride[0] + dilation[0] * (w[0] - 1) + more[0] + 1;
  if (whole - 2 * padding[0] < 1) {
    throw ShapeError(text("[conv_transpose3d] input is ", in[0].type(),
                          ", padding = ", to_string(Attr(attrs.ints("padding"))),
                          "; expected a padding that leaves planes; choose a smaller one"));
  }
  const Attrs flat{{"stride", rows_and_columns(stride)},
                   {"padding", rows_and_columns(padding)},
                   {"output_padding", rows_and_columns(more)},
                   {"dilation", rows_and_columns(dilation)},
                   {"groups", attrs.integer("groups")}};
  const Tensor images = fn::reshape(in[0], {x[0] * x[1], x[2], x[3], x[4]});
  Tensor sum;
  for (int64_t k = 0; k < w[0]; ++k) {
    const Tensor window = fn::reshape(piece(in[1], 0, k, k + 1), {w[1], w[2], w[3], w[4]});
    const Tensor y = fn::call("conv_transpose2d", {images, window}, flat);
    const Shape& s = y.shape();
    const Tensor placed = fn::call("slice_scatter", {fn::reshape(y, {x[0], x[1], s[1], s[2], s[3]})},
                                   {{"shape", Ints{x[0], whole, s[1], s[2], s[3]}},
                                    {"start", Ints{0, k * dilation[0], 0, 0, 0}},
                                    {"step", Ints{1, stride[0], 1, 1, 1}}});
    sum = sum.defined() ? sum + placed : placed;
  }
  if (padding[0] > 0) sum = piece(sum, 1, padding[0], whole - padding[0]);
  if (in[2].defined() && in[2].shape() != Shape{sum.shape()[4]}) {
    throw ShapeError(text("[conv_transpose3d] bias is ", in[2].type(), ", weight is ", in[1].type(), "; bias must be [",
                          sum.shape()[4], "]; pass one number per output channel"));
  }
  return {in[2].defined() ? sum + in[2] : sum};
}

const Op* registered =
    define("conv_transpose3d")
        .in("input", Takes::Float)
        .in("weight", Takes::Float)
        .in_optional("bias", Takes::Float)
        .attr_counts("stride", 1, Ints{1})
        .attr_counts("padding", 0, Ints{0})
        .attr_counts("output_padding", 0, Ints{0})
        .attr_count("groups", 1, 1)
        .attr_counts("dilation", 1, Ints{1})
        .compose(definition)
        .doc(
            R"(the transposed convolution of volumes: each voxel adds its weighted window to the result; plus b, which may be left out.
Shapes    input [n, d, h, w, ci], weight [kd, kh, kw, co / groups, ci], bias [co] -> [n, od, oh, ow, co], od being (d - 1) stride -
          2 padding + dilation (kd - 1) + output_padding + 1; each is one number or (planes, rows, columns)
Dtypes    floats
Errors    channels that do not match; output_padding that reaches stride and dilation
Grad      input, weight, bias
Numerics  conv_transpose2d plane by plane, added in their order and, for f16 and bf16, rounded after each
Source    PyTorch, nn.functional.conv_transpose3d)",
            R"(>>> pt.nn.functional.conv_transpose3d(pt.ones((1, 2, 4, 4, 3)), pt.ones((2, 2, 2, 5, 3)), stride=2).shape
(1, 4, 8, 8, 5))");

const AutocastRule rule("conv_transpose3d", Precision::Low);

}  // namespace
}  // namespace pt
