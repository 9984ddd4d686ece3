#include "ops/functional.h"

namespace pt {
namespace {

Tensor with_row(const Tensor& x, int axis) {
  Shape shape = x.shape();
  shape.insert(axis, 1);
  return fn::reshape(x, shape);
}

const Op* registered =
    define("conv_transpose1d")
        .in("input", Takes::Float)
        .in("weight", Takes::Float)
        .in_optional("bias", Takes::Float)
        .attr_counts("stride", 1, Ints{1})
        .attr_counts("padding", 0, Ints{0})
        .attr_counts("output_padding", 0, Ints{0})
        .attr_count("groups", 1, 1)
        .attr_counts("dilation", 1, Ints{1})
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          if (in[0].ndim() != 3 || in[1].ndim() != 3) {
            throw ShapeError(text("[conv_transpose1d] input is ", in[0].type(), ", weight is ", in[1].type(),
                                  "; expected input [n, t, ci] and weight [k, co / groups, ci]; reshape them"));
          }
          Attrs wide{{"groups", attrs.integer("groups")}};
          for (const char* name : {"stride", "padding", "output_padding", "dilation"}) {
            const Ints& value = attrs.ints(name);
            if (value.size() != 1) {
              throw ShapeError(text("[conv_transpose1d] ", name, " = ", to_string(Attr(value)),
                                    "; expected one number; pass it alone"));
            }
            const bool adds = std::string_view(name).ends_with("padding");
            wide.set(name, Ints{adds ? 0 : 1, value[0]});
          }
          const Tensor y = fn::call("conv_transpose2d", {with_row(in[0], 1), with_row(in[1], 0), in[2]}, wide);
          return {fn::reshape(y, {y.shape()[0], y.shape()[2], y.shape()[3]})};
        })
        .doc(
            R"(the transposed convolution of sequences: each step adds its weighted window to the result; plus b, which may be left out.
Shapes    input [n, t, ci], weight [k, co / groups, ci], bias [co] -> [n, ot, co], ot being (t - 1) stride - 2 padding + dilation
          (k - 1) + output_padding + 1
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    channels that do not match; output_padding that reaches stride and dilation
Grad      input, weight, bias
Numerics  as conv_transpose2d of one row
Source    PyTorch, nn.functional.conv_transpose1d)",
            R"(>>> pt.nn.functional.conv_transpose1d(pt.ones((1, 4, 3)), pt.ones((2, 5, 3)), stride=2).shape
(1, 8, 5))");

}  // namespace
}  // namespace pt
