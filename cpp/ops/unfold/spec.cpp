#include "ops/pieces.h"
#include "ops/unfold/windows.h"

namespace pt {
namespace {

const Op* registered =
    define("unfold")
        .in("input")
        .attr_counts("kernel_size", 1)
        .attr_counts("dilation", 1, Ints{1})
        .attr_counts("padding", 0, Ints{0})
        .attr_counts("stride", 1, Ints{1})
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& x = in[0].shape();
          if (x.size() != 4) {
            throw ShapeError(text("[unfold] input is ", in[0].type(), "; expected [n, h, w, channels]; reshape input"));
          }
          const Windows d = windows_of(attrs, x[1], x[2], "unfold");
          const Ints around{0, d.pad_h, d.pad_w, 0};
          const Tensor padded = fn::call("pad", {in[0]}, {{"before", around}, {"after", around}});
          Tensors taps;
          for (int64_t i = 0; i < d.kernel_h; ++i) {
            const int64_t top = i * d.dilation_h;
            const Tensor rows = piece(padded, 1, top, top + (d.rows - 1) * d.stride_h + 1, d.stride_h);
            for (int64_t j = 0; j < d.kernel_w; ++j) {
              const int64_t left = j * d.dilation_w;
              taps.push_back(piece(rows, 2, left, left + (d.columns - 1) * d.stride_w + 1, d.stride_w));
            }
          }
          return {fn::call("concat", taps, {{"axis", int64_t{3}}})};
        })
        .doc(R"(each window of an image as the channels of one pixel, tap by tap.
Shapes    input [n, h, w, c] -> [n, oh, ow, kh kw c]; kernel_size, stride, padding and dilation are one number or (rows, columns)
Dtypes    all
Errors    input without four axes; a window larger than the padded image
Grad      input
Numerics  padding counts as zeros; a product with weights of [kh kw c, co] is conv2d
Source    PyTorch, nn.functional.unfold)",
             R"(>>> pt.nn.functional.unfold(pt.ones((1, 4, 4, 3)), 2).shape
(1, 3, 3, 12))");

}  // namespace
}  // namespace pt
