#include "ops/autocast.h"
#include "ops/functional.h"
#include "ops/window.h"

namespace pt {
namespace {

const Op* registered =
    define("conv_transpose2d")
        .in("input", Takes::Float)
        .in("weight", Takes::Float)
        .in_optional("bias", Takes::Float)
        .attr_counts("stride", 1, Ints{1})
        .attr_counts("padding", 0, Ints{0})
        .attr_counts("output_padding", 0, Ints{0})
        .attr_count("groups", 1, 1)
        .attr_counts("dilation", 1, Ints{1})
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape &x = in[0].shape(), &w = in[1].shape();
          if (x.size() != 4 || w.size() != 4 || x[3] != w[3]) {
            throw ShapeError(
                text("[conv_transpose2d] input is ", in[0].type(), ", weight is ", in[1].type(),
                     "; expected input [n, h, w, ci] and weight [kh, kw, co / groups, ci]; transpose weight"));
          }
          const auto stride = pair_of(attrs, "stride", "conv_transpose2d");
          const auto padding = pair_of(attrs, "padding", "conv_transpose2d");
          const auto more = pair_of(attrs, "output_padding", "conv_transpose2d");
          const auto dilation = pair_of(attrs, "dilation", "conv_transpose2d");
          if (more.first >= std::max(stride.first, dilation.first) ||
              more.second >= std::max(stride.second, dilation.second)) {
            throw ShapeError(text("[conv_transpose2d] output_padding = ", to_string(Attr(attrs.ints("output_padding"))),
                                  "; expected less than stride or dilation; choose a smaller one"));
          }
          const Ints image{
              (x[1] - 1) * stride.first - 2 * padding.first + dilation.first * (w[0] - 1) + more.first + 1,
              (x[2] - 1) * stride.second - 2 * padding.second + dilation.second * (w[1] - 1) + more.second + 1};
          const int64_t channels = w[2] * attrs.integer("groups");
          if (in[2].defined() && in[2].shape() != Shape{channels}) {
            throw ShapeError(text("[conv_transpose2d] bias is ", in[2].type(), ", weight is ", in[1].type(),
                                  "; bias must be [", channels, "]; pass one number per output channel"));
          }
          // The gradient of a convolution whose result is x; padding beyond a stride is room for more results, of 0.
          const Ints none(4, 0), room{0, more.first / stride.first, more.second / stride.second, 0};
          const bool beyond = room[1] + room[2] > 0;
          const Tensor g = beyond ? fn::call("pad", {in[0]}, {{"before", none}, {"after", room}}) : in[0];
          const Tensor y = fn::call("conv2d_grad_input", {g, in[1]},
                                    {{"stride", attrs.ints("stride")},
                                     {"padding", attrs.ints("padding")},
                                     {"dilation", attrs.ints("dilation")},
                                     {"groups", attrs.integer("groups")},
                                     {"image", image}});
          return {in[2].defined() ? y + in[2] : y};
        })
        .doc(
            R"(the transposed convolution of images: each pixel adds its weighted window to the result; plus b, which may be left out.
Shapes    input [n, h, w, ci], weight [kh, kw, co / groups, ci], bias [co] -> [n, oh, ow, co], oh being (h - 1) stride - 2 padding +
          dilation (kh - 1) + output_padding + 1; each is one number or (rows, columns)
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    channels that do not match; output_padding that reaches stride and dilation
Grad      input, weight, bias
Numerics  the gradient of conv2d towards its input
Source    PyTorch, nn.functional.conv_transpose2d)",
            R"(>>> pt.nn.functional.conv_transpose2d(pt.ones((1, 4, 4, 3)), pt.ones((2, 2, 5, 3)), stride=2).shape
(1, 8, 8, 5))");

const AutocastRule rule("conv_transpose2d", Precision::Low);

}  // namespace
}  // namespace pt
