#include "ops/functional.h"
#include "ops/window.h"

namespace pt {
namespace {

const Op* registered =
    convolution("conv2d")
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          if (in[2].defined() && in[1].ndim() == 4 && in[2].shape() != Shape{in[1].shape()[3]}) {
            throw ShapeError(text("[conv2d] bias is ", in[2].type(), ", weight is ", in[1].type(), "; bias must be [",
                                  in[1].shape()[3], "]; pass one number per output channel"));
          }
          const Tensor y = fn::call("conv2d_kernel", {in[0], in[1]}, attrs);
          return {in[2].defined() ? y + in[2] : y};
        })
        .doc(
            R"(the two-dimensional convolution (cross-correlation) of images with a window of weights, plus b, which may be left out.
Shapes    input [n, h, w, ci], weight [kh, kw, ci / groups, co], bias [co] -> [n, oh, ow, co]; stride, padding and dilation are one
          number or (rows, columns)
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    channels that do not match; a window larger than the padded image; groups that do not divide the channels
Grad      input, weight, bias
Numerics  one product with k = (kh, kw, ci), in the order of matmul; padding counts as zeros; on a CPU those of 3 x 3 float32
          taps and many channels by tiles, docs/numerics.md
Source    LeCun et al. 1989; PyTorch, nn.functional.conv2d)",
            R"(>>> pt.nn.functional.conv2d(pt.ones((1, 8, 8, 3)), pt.ones((3, 3, 3, 4)), padding=1).shape
(1, 8, 8, 4))");

}  // namespace
}  // namespace pt
