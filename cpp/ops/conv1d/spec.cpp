#include "ops/functional.h"
#include "ops/window.h"

namespace pt {
namespace {

// With an axis of one row: a sequence as an image, its window as a window.
Tensor with_row(const Tensor& x, int axis) {
  Shape shape = x.shape();
  shape.insert(axis, 1);
  return fn::reshape(x, shape);
}

const Op* registered =
    convolution("conv1d")
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          if (in[0].ndim() != 3 || in[1].ndim() != 3) {
            throw ShapeError(text("[conv1d] input is ", in[0].type(), ", weight is ", in[1].type(),
                                  "; expected input [n, t, ci] and weight [k, ci / groups, co]; reshape them"));
          }
          Attrs wide{{"groups", attrs.integer("groups")}};
          for (const char* name : {"stride", "padding", "dilation"}) {
            const Ints& value = attrs.ints(name);
            if (value.size() != 1) {
              throw ShapeError(
                  text("[conv1d] ", name, " = ", to_string(Attr(value)), "; expected one number; pass it alone"));
            }
            wide.set(name, Ints{std::string_view(name) == "padding" ? 0 : 1, value[0]});
          }
          const Tensor y = fn::call("conv2d", {with_row(in[0], 1), with_row(in[1], 0), in[2]}, wide);
          return {fn::reshape(y, {y.shape()[0], y.shape()[2], y.shape()[3]})};
        })
        .doc(
            R"(the one-dimensional convolution (cross-correlation) of sequences with a window of weights, plus b, which may be left out.
Shapes    input [n, t, ci], weight [k, ci / groups, co], bias [co] -> [n, ot, co]
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    channels that do not match; a window larger than the padded sequence; groups that do not divide the channels
Grad      input, weight, bias
Numerics  as conv2d of one row
Source    PyTorch, nn.functional.conv1d)",
            R"(>>> pt.nn.functional.conv1d(pt.ones((1, 8, 3)), pt.ones((3, 3, 4)), padding=1).shape
(1, 8, 4))");

}  // namespace
}  // namespace pt
