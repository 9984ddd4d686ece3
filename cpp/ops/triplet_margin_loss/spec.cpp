#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    define("triplet_margin_loss")
        .in("anchor", Takes::Number)
        .in("positive", Takes::Number)
        .in("negative", Takes::Number)
        .floats()
        .attr("margin", 1.0, positive)
        .attr("p", 2.0)
        .attr("eps", 1e-6, non_negative)
        .attr("swap", false)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor anchor = widened(in[0]), near = widened(in[1]), far = widened(in[2]);
          const Attrs how{{"p", attrs.number("p")}, {"eps", attrs.number("eps")}};
          const auto distance = [&](const Tensor& a, const Tensor& b) {
            return fn::call("pairwise_distance", {a, b}, how);
          };
          Tensor apart = distance(anchor, far);
          if (attrs.flag("swap")) apart = fn::minimum(apart, distance(near, far));
          return {fn::cast(hinge(distance(anchor, near) - apart + attrs.number("margin")), in[0].dtype())};
        })
        .doc(
            R"(by how much the negative is not further from the anchor than the positive by a margin: one value per row.
Shapes    anchor [..., n], positive [..., n], negative [..., n] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast; margin <= 0
Grad      anchor, positive, negative
Numerics  distances as of pairwise_distance; with swap, from the positive to the negative if that is shorter
Source    Balntas et al. 2016)",
            R"(>>> one, two = pt.ones((1, 1)), pt.full((1, 1), 2.0)
>>> round(pt.ops.functional.OPERATORS["triplet_margin_loss"](one, two, two).item(), 4)
1.0)");

const AutocastRule rule("triplet_margin_loss", Precision::Full);

}  // namespace
}  // namespace pt
