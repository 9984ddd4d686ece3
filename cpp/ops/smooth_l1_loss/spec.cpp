#include "ops/autocast.h"
#include "ops/elementwise.h"
#include "ops/losses.h"

namespace pt {
namespace {

const Op* registered =
    elementwise_loss("smooth_l1_loss",
                     [](const Tensor& x, const Tensor& target, const Attrs& attrs) {
                       const double beta = attrs.number("beta");
                       const Tensor distance = fn::abs(x - target);
                       if (beta == 0) return distance;
                       return near_or_far(distance, beta, 0.5 / beta, distance - 0.5 * beta);
                     })
        .shape(infer_elementwise)
        .vjp(vjp_of_distance([](const Tensor& apart, const Attrs& attrs) {
          const double beta = attrs.number("beta");
          return beta == 0 ? fn::call("sign", {apart}) : slope_near_or_far(apart, beta, 0.5 / beta);
        }))
        .attr("beta", 1.0, non_negative)
        .doc(
            R"(the squared distance of input from the target over 2 beta up to beta, and a straight line of slope 1 beyond, per element.
Shapes    input [...], target [...] -> [...], broadcast
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    shapes that do not broadcast; beta < 0
Grad      input, target; the second derivative is 1 / beta nearer than beta, also at 0, and 0 from beta on
Source    Girshick 2015)",
            R"(>>> pt.ops.functional.OPERATORS["smooth_l1_loss"](1.0, 4.0).item()
2.5)");

const AutocastRule rule("smooth_l1_loss", Precision::Full);

}  // namespace
}  // namespace pt
