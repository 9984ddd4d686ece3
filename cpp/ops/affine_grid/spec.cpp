#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

// The places of the pixels of one axis, from -1 to 1: corners, or the middles of pixels.
Tensor places(int64_t n, bool corners, DType dtype) {
  const double last = static_cast<double>(n - 1), size = static_cast<double>(n);
  const Tensor i = counting(n, dtype);
  if (!corners) return (2.0 * i + 1.0 - size) / fn::number(size);
  return n == 1 ? i : (2.0 * i - last) / fn::number(last);
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Shape& theta = in[0].shape();
  const Ints& size = attrs.ints("size");
  const bool fits = theta.size() == 3 && theta[1] == 2 && theta[2] == 3 && (size.size() == 1 || size.size() == 2) &&
                    size.front() > 0 && size.back() > 0;
  if (!fits) {
    throw ShapeError(text("[affine_grid] theta is ", in[0].type(), ", size = ", to_string(Attr(size)),
                          "; expected [n, 2, 3] and one or two sizes above 0; reshape theta"));
  }
  const Tensor t = widened(in[0]);
  const int64_t n = theta[0], rows = size.front(), columns = size.back();
  const bool corners = attrs.flag("align_corners");
  const Tensor x = fn::reshape(places(columns, corners, t.dtype()), {1, 1, columns, 1});
  const Tensor y = fn::reshape(places(rows, corners, t.dtype()), {1, rows, 1, 1});
  const auto column = [&](int64_t k) {
    const Tensor part =
        fn::call("slice", {t}, {{"start", Ints{0, 0, k}}, {"stop", Ints{n, 2, k + 1}}, {"step", Ints{1, 1, 1}}});
    return fn::reshape(part, {n, 1, 1, 2});
  };
  return {fn::cast(column(0) * x + column(1) * y + column(2), in[0].dtype())};
}

const Op* registered =
    define("affine_grid")
        .in("theta", Takes::Float)
        .attr_ints("size")
        .attr("align_corners", false)
        .compose(definition)
        .doc(R"(where each pixel of an image comes from under an affine map: places for grid_sample.
Shapes    theta [n, 2, 3] -> [n, h, w, 2]; size is one number or (h, w)
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    another shape; a size below 1
Grad      theta
Numerics  theta times (x, y, 1), x and y from -1 to 1 at the middles of pixels, or at those of the outer ones with
          align_corners
Source    Jaderberg et al. 2015)",
             R"(>>> pt.affine_grid(pt.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), 2).numpy()[0, 0].tolist()
[[-0.5, -0.5], [0.5, -0.5]])");

const AutocastRule rule("affine_grid", Precision::Full);

}  // namespace
}  // namespace pt
