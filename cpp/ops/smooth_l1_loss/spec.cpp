#include "ops/autocast.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    elementwise_loss("smooth_l1_loss",
                     [](const Tensor& x, const Tensor& target, const Attrs& attrs) {
                       const double beta = attrs.number("beta");
                       const Tensor distance = fn::abs(x - target);
                       if (beta == 0) return distance;
                       // What is squared stops at beta: the slope of an infinite square would be NaN where it is
                       // not chosen.
                       const Tensor close = fn::less(distance, fn::number(beta));
                       const Tensor near = (0.5 / beta) * fn::square(fn::where(close, distance, fn::number(beta)));
                       return fn::where(close, near, distance - 0.5 * beta);
                     })
        .attr("beta", 1.0, non_negative)
        .doc(
            R"(the squared distance of x from the target over 2 beta up to beta, and a straight line of slope 1 beyond, per element.
Shapes    x [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast; beta < 0
Grad      x, target
Source    Girshick 2015)",
            R"(>>> pt.smooth_l1_loss(1.0, 4.0).item()
2.5)");

const AutocastRule rule("smooth_l1_loss", Precision::Full);

}  // namespace
}  // namespace pt
