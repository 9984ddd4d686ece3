#include "ops/axes.h"
#include "ops/pieces.h"
#include "ops/unfold/windows.h"

namespace pt {
namespace {

const Op* registered =
    define("fold")
        .in("input", Takes::Number)
        .attr_counts("output_size", 0)
        .attr_counts("kernel_size", 1)
        .attr_counts("dilation", 1, Ints{1})
        .attr_counts("padding", 0, Ints{0})
        .attr_counts("stride", 1, Ints{1})
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& x = in[0].shape();
          const Ints& image = attrs.ints("output_size");
          if (x.size() != 4 || image.size() != 2) {
            throw ShapeError(text("[fold] input is ", in[0].type(), ", output_size = ", to_string(Attr(image)),
                                  "; expected [n, oh, ow, channels] and (rows, columns); reshape input"));
          }
          const Windows d = windows_of(attrs, image[0], image[1], "fold");
          const int64_t taps = d.kernel_h * d.kernel_w;
          if (x[1] != d.rows || x[2] != d.columns || x[3] % taps != 0) {
            throw ShapeError(text("[fold] input is ", in[0].type(), "; expected [n, ", d.rows, ", ", d.columns,
                                  ", a multiple of ", taps,
                                  "], as unfold gives it; check output_size and kernel_size"));
          }
          const int64_t channels = x[3] / taps, h = image[0] + 2 * d.pad_h, w = image[1] + 2 * d.pad_w;
          Tensor sum;
          for (int64_t tap = 0; tap < taps; ++tap) {
            const int64_t i = tap / d.kernel_w, j = tap % d.kernel_w;
            const Tensor own = piece(widened(in[0]), 3, tap * channels, (tap + 1) * channels);
            const Tensor placed = fn::call("slice_scatter", {own},
                                           {{"shape", Ints{x[0], h, w, channels}},
                                            {"start", Ints{0, i * d.dilation_h, j * d.dilation_w, 0}},
                                            {"step", Ints{1, d.stride_h, d.stride_w, 1}}});
            sum = sum.defined() ? sum + placed : placed;
          }
          sum = piece(piece(sum, 1, d.pad_h, d.pad_h + image[0]), 2, d.pad_w, d.pad_w + image[1]);
          return {fn::cast(sum, in[0].dtype())};
        })
        .doc(R"(windows, as unfold gives them, added at their places of an image.
Shapes    input [n, oh, ow, kh kw c] -> [n, output_size..., c]; kernel_size, stride, padding and dilation are one number or (rows, columns)
Dtypes    all numbers; f16 and bf16 are computed in f32 and rounded once
Errors    input that is not of the windows of such an image
Grad      input
Numerics  taps are added in their order
Source    PyTorch, nn.functional.fold)",
             R"(>>> pt.nn.functional.fold(pt.ones((1, 2, 2, 4)), (3, 3), 2).numpy()[0, :, :, 0].tolist()
[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])");

}  // namespace
}  // namespace pt
