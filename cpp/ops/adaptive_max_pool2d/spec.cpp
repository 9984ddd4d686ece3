#include "ops/functional.h"
#include "ops/pieces.h"

namespace pt {
namespace {

// The maximum of each part along an axis.
Tensor largest_of_parts(const Tensor& x, int axis, int64_t parts) {
  return joined_parts(x, axis, parts, [&](const Tensor& part) { return fn::max(part, {axis}, true); });
}

const Op* registered =
    define("adaptive_max_pool2d")
        .in("input", Takes::Number)
        .attr_counts("output_size", 1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Ints size = parts_of_image(in[0], attrs, "adaptive_max_pool2d");
          return {largest_of_parts(largest_of_parts(in[0], 1, size.front()), 2, size.back())};
        })
        .doc(
            R"(the maximum of each of so many parts of an image; neighbouring parts share a pixel where the size does not divide it.
Shapes    input [n, h, w, c] -> [n, oh, ow, c]; output_size is one number or (rows, columns)
Dtypes    all numbers
Errors    input without four axes; an output_size below 1
Grad      input; equal elements share it
Source    PyTorch, nn.functional.adaptive_max_pool2d)",
            R"(>>> pt.nn.functional.adaptive_max_pool2d(pt.ones((1, 7, 5, 3)), (3, 1)).shape
(1, 3, 1, 3))");

}  // namespace
}  // namespace pt
