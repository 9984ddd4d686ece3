#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

// A row of weights for each element of the result: even over the elements that it covers.
Tensor shares(int64_t from, int64_t to, DType dtype) {
  const Tensor place = counting(from, DType::I64), part = fn::reshape(counting(to, DType::I64), {to, 1});
  const auto whole = [](int64_t value) { return Tensor::scalar(static_cast<double>(value), DType::I64); };
  const auto divided = [&](const Tensor& x) { return fn::call("floor_divide", {x, whole(to)}); };
  const Tensor first = divided(part * whole(from)), stop = divided((part + whole(1)) * whole(from) + whole(to - 1));
  const Tensor covered = fn::call("logical_and", {fn::call("greater_equal", {place, first}), fn::less(place, stop)});
  return fn::cast(covered, dtype) / fn::cast(stop - first, dtype);
}

const Op* registered =
    define("adaptive_avg_pool2d")
        .in("x", Takes::Float)
        .attr_ints("size")
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& x = in[0].shape();
          const Ints size = parts_of_image(in[0], attrs, "adaptive_avg_pool2d");
          const int64_t rows = size.front(), columns = size.back();
          const Tensor wide = widened(in[0]);
          const Tensor lines =
              fn::matmul(shares(x[1], rows, wide.dtype()), fn::reshape(wide, {x[0], x[1], x[2] * x[3]}));
          const Tensor y =
              fn::matmul(shares(x[2], columns, wide.dtype()), fn::reshape(lines, {x[0] * rows, x[2], x[3]}));
          return {fn::cast(fn::reshape(y, {x[0], rows, columns, x[3]}), in[0].dtype())};
        })
        .doc(
            R"(the mean of each of so many parts of an image; neighbouring parts share a pixel where the size does not divide it.
Shapes    x [n, h, w, c] -> [n, oh, ow, c]; size is one number or (rows, columns)
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    x without four axes; a size below 1
Grad      x
Numerics  two products with the weights of the parts, first along rows
Source    PyTorch, nn.functional.adaptive_avg_pool2d)",
            R"(>>> pt.adaptive_avg_pool2d(pt.ones((1, 7, 5, 3)), (3, 1)).shape
(1, 3, 1, 3))");

}  // namespace
}  // namespace pt
