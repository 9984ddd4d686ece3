#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

Tensors dot(const Tensors& in, const Attrs& attrs) {
  const int64_t axis = attrs.integer("axis");
  const Shape &a = in[0].shape(), &b = in[1].shape();
  const int shared = std::min(a.size(), b.size());
  if (axis >= 0 || axis < -shared || a[static_cast<int>(a.size() + axis)] != b[static_cast<int>(b.size() + axis)]) {
    throw ShapeError(text("[vecdot] a is ", in[0].type(), ", b is ", in[1].type(), ", axis = ", axis,
                          "; expected one size along an axis of both, counted from the end; reshape one"));
  }
  const DType dtype = in[0].dtype();
  const Tensor sum = fn::sum(widened(in[0]) * widened(in[1]), {axis}, false);
  return {fn::cast(sum, dtype)};
}

const Op* registered =
    define("vecdot")
        .in("a", Takes::Number)
        .in("b", Takes::Number)
        .attr("axis", -1)
        .compose(dot)
        .complex([](const Tensors& in, const Attrs& attrs) {
          return dot({fn::call("conj", {in[0]}), in[1]}, attrs);
        })
        .doc(R"(the sum of a times b along an axis, which counts from the end: the dot product of vectors.
Shapes    a [..., n], b [..., n] -> [...], broadcast along the other axes
Dtypes    all numbers, of complex ones the conjugate of a counts; f16 and bf16 are computed in f32 and rounded once
Errors    sizes along the axis that differ; an axis that is not below 0
Grad      a, b
Source    the array API standard 2024.12)",
             R"(>>> pt.vecdot(pt.tensor([1, 2]), pt.tensor([3, 4])).item()
11)");

}  // namespace
}  // namespace pt
