#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

// The mean of each part along an axis. Of its own elements alone: by products with weights, what is not finite would
// meet a weight of 0 in every other part.
Tensor mean_of_parts(const Tensor& x, int axis, int64_t parts) {
  const int64_t n = x.shape()[axis];
  if (n == parts) return x;
  if (n % parts != 0) {
    return joined_parts(x, axis, parts, [&](const Tensor& part) { return fn::mean(part, {axis}, true); });
  }
  Shape shape;
  for (int i = 0; i < x.ndim(); ++i) {
    shape.push_back(i == axis ? parts : x.shape()[i]);
    if (i == axis) shape.push_back(n / parts);
  }
  return fn::mean(fn::reshape(x, shape), {axis + 1}, false);
}

const Op* registered =
    define("adaptive_avg_pool2d")
        .in("input", Takes::Float)
        .attr_counts("output_size", 1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Ints size = parts_of_image(in[0], attrs, "adaptive_avg_pool2d");
          const Tensor lines = mean_of_parts(widened(in[0]), 1, size.front());
          return {fn::cast(mean_of_parts(lines, 2, size.back()), in[0].dtype())};
        })
        .doc(
            R"(the mean of each of so many parts of an image; neighbouring parts share a pixel where the size does not divide it.
Shapes    input [n, h, w, c] -> [n, oh, ow, c]; output_size is one number or (rows, columns)
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    input without four axes; an output_size below 1
Grad      input
Numerics  the mean along rows first, then along columns
Source    PyTorch, nn.functional.adaptive_avg_pool2d)",
            R"(>>> pt.nn.functional.adaptive_avg_pool2d(pt.ones((1, 7, 5, 3)), (3, 1)).shape
(1, 3, 1, 3))");

}  // namespace
}  // namespace pt
