#include <cmath>

#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/composed.h"
#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("quantile")
        .in("x", Takes::Number)
        .floats()
        .attr("q", 0.5, share)
        .attr_nullable("axis", AttrKind::Int)
        .attr("keepdims", false)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const bool all = !attrs.has("axis");
          const Tensor x = widened(all ? fn::reshape(in[0], {in[0].size()}) : in[0]);
          const int axis = all ? 0 : normal_axis(attrs.integer("axis"), x.ndim(), "quantile");
          const int64_t n = x.shape()[axis];
          if (n == 0) {
            throw ShapeError(text("[quantile] x is ", in[0].type(),
                                  "; expected at least one element along the axis; check for an empty input"));
          }
          const Tensor ordered = fn::call("sort", {x}, {{"axis", int64_t{axis}}});
          const double at = attrs.number("q") * static_cast<double>(n - 1);
          const auto low = static_cast<int64_t>(std::floor(at)), high = std::min(low + 1, n - 1);
          const Tensor below = piece(ordered, axis, low, low + 1), above = piece(ordered, axis, high, high + 1);
          Tensor y = below + (at - static_cast<double>(low)) * (above - below);
          // A NaN is last in order.
          const Tensor last = piece(ordered, axis, n - 1, n);
          y = fn::where(fn::call("isnan", {last}), last, y);
          const Ints axes = all ? reduced_axes({}, in[0].ndim(), "quantile") : Ints{axis};
          return {fn::cast(fn::reshape(y, reduced_shape(in[0].shape(), axes, attrs.flag("keepdims"))), in[0].dtype())};
        })
        .doc(
            R"(the value below which a share q of the elements lies, on the straight line between its neighbours in order.
Shapes    x [...] -> x without the axis; axis None or an integer; keepdims leaves size 1 where it was
Dtypes    floats; integers are computed in float32
Errors    an axis that x does not have, or without elements; q outside 0 to 1
Grad      x; to the two neighbours
Numerics  NaN where there is one
Source    NumPy, quantile)",
            R"(>>> pt.quantile(pt.arange(5), 0.25).item()
1.0)");

const AutocastRule rule("quantile", Precision::Full);

}  // namespace
}  // namespace pt
