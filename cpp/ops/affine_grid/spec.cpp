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
  Ints size = attrs.ints("size");
  const int64_t axes = theta.size() == 3 ? theta[1] : 0;
  const bool fits = (axes == 2 || axes == 3) && theta[2] == axes + 1 &&
                    (size.size() == 1 || static_cast<int64_t>(size.size()) == axes);
  if (!fits) {
    throw ShapeError(text("[affine_grid] theta is ", in[0].type(), ", size = ", to_string(Attr(size)),
                          "; expected [n, 2, 3] and one or two sizes above 0, or [n, 3, 4] and one or three; reshape "
                          "theta"));
  }
  if (size.size() == 1) size.assign(static_cast<std::size_t>(axes), size[0]);
  const Tensor t = widened(in[0]);
  const int64_t n = theta[0];
  const bool corners = attrs.flag("align_corners");
  // The last axis of space comes first in a place.
  const auto column = [&](int64_t k) {
    const Tensor part =
        fn::call("slice", {t}, {{"start", Ints{0, 0, k}}, {"stop", Ints{n, axes, k + 1}}, {"step", Ints{1, 1, 1}}});
    Shape shape{n};
    for (int64_t i = 0; i < axes; ++i) shape.push_back(1);
    shape.push_back(axes);
    return fn::reshape(part, shape);
  };
  Tensor sum;
  for (int64_t k = 0; k < axes; ++k) {
    const auto axis = static_cast<std::size_t>(axes - 1 - k);
    Shape along{1};
    for (std::size_t i = 0; i < size.size(); ++i) along.push_back(i == axis ? size[i] : 1);
    along.push_back(1);
    const Tensor term = column(k) * fn::reshape(places(size[axis], corners, t.dtype()), along);
    sum = sum.defined() ? sum + term : term;
  }
  return {fn::cast(sum + column(axes), in[0].dtype())};
}

const Op* registered =
    define("affine_grid")
        .in("theta", Takes::Float)
        .attr_counts("size", 1)
        .attr("align_corners", false)
        .compose(definition)
        .doc(
            R"(where each pixel of an image or volume comes from under an affine map: places for grid_sample.
Shapes    theta [n, 2, 3] -> [n, h, w, 2]; size is one number or (h, w); theta [n, 3, 4] -> [n, d, h, w, 3], for (d, h, w)
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    another shape; a size below 1
Grad      theta
Numerics  theta times (x, y, 1) or (x, y, z, 1), each from -1 to 1 at the middles of pixels, or at those of the outer ones with
          align_corners
Source    Jaderberg et al. 2015)",
            R"(>>> pt.nn.functional.affine_grid(pt.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), 2).numpy()[0, 0].tolist()
[[-0.5, -0.5], [0.5, -0.5]])");

const AutocastRule rule("affine_grid", Precision::Full);

}  // namespace
}  // namespace pt
